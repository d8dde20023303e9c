/** Modules for adapter-space.test.ts, as text. */

const LOADS = [
  ...['i32.load', 'i32.load8_s', 'i32.load8_u', 'i32.load16_s', 'i32.load16_u'],
  ...['i64.load', 'i64.load8_u', 'i64.load32_s', 'f32.load', 'f64.load'],
];
const TO_I32: Readonly<Record<string, string>> = {
  i32: '',
  i64: 'i32.wrap_i64',
  f32: 'i32.trunc_sat_f32_s',
  f64: 'i32.trunc_sat_f64_s',
};
const OFFSETS = [0, 13, 100, 131_064, 4_294_967_295, 4_294_770_688];

/**
 * Exports that take an address and a length and do with memory what can be done, but for growth, which has its
 * own: every load at several offsets, stores, SIMD, and bulk operations.
 */
export const SEEING_MEMORY = `
  (data (i32.const 24) "the beginning")
  (data (i32.const 131060) "end.")
  (data $passive "0123456789")
  ${LOADS.flatMap((load) =>
    OFFSETS.map(
      (offset) => `(func (export "${load}@${offset}") (param i32 i32) (result i32)
        (${load} offset=${offset} (local.get 0)) ${TO_I32[load.slice(0, 3)]})`,
    ),
  ).join('\n')}
  (func (export "size") (param i32 i32) (result i32) (memory.size))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "store") (param i32 i32) (result i32)
    (i32.store offset=5 (local.get 0) (local.get 1)) (i32.load offset=4 (local.get 0)))
  (func (export "store64") (param i32 i32) (result i32)
    (i64.store16 offset=5 (local.get 0) (i64.const 0x1234)) (i32.const 1))
  (func (export "constant") (param i32 i32) (result i32)
    (i32.store offset=70 (i32.const 0) (local.get 1)) (i32.load (i32.const 70)))
  (func (export "simd") (param i32 i32) (result i32)
    (v128.store offset=3 (local.get 0) (v128.load offset=1 (local.get 0)))
    (i32x4.extract_lane 2 (v128.load32_splat (local.get 0))))
  (func (export "lane") (param i32 i32) (result i32)
    (v128.store8_lane offset=2 3 (local.get 0)
      (v128.load16_lane offset=1 2 (local.get 0) (v128.const i32x4 1 2 3 4)))
    (i32x4.extract_lane 1 (v128.load32_zero (local.get 0))))
  (func (export "fill") (param i32 i32) (result i32)
    (memory.fill (local.get 0) (i32.const 0x5a) (local.get 1)) (i32.const 1))
  (func (export "copy-to") (param i32 i32) (result i32)
    (memory.copy (local.get 0) (i32.const 20) (local.get 1)) (i32.const 1))
  (func (export "copy-from") (param i32 i32) (result i32)
    (memory.copy (i32.const 300) (local.get 0) (local.get 1)) (i32.const 1))
  (func (export "init") (param i32 i32) (result i32)
    (memory.init $passive (local.get 0) (i32.const 1) (local.get 1)) (i32.const 1))`;

/** One of each shape of immediate, so that a wrong length shows. */
export const ZOO = `
  (type $pair (struct (field i32) (field (mut i32))))
  (type $numbers (array (mut i32)))
  (type $nullary (func (result i32)))
  (tag $tag (param i32))
  (table $table 4 funcref)
  (global $counter (mut i32) (i32.const 3))
  (global (mut f64) (f64.const 2.5))
  (global i64 (i64.const -9))
  (global v128 (v128.const i64x2 63 64))
  (elem (table $table) (i32.const 0) func $seven)
  (elem $passive func $seven)
  (func $seven (result i32) (i32.const 7))
  (func $gc (result i32)
    (local $object (ref null $pair)) (local $array (ref null $numbers))
    (local.set $object (struct.new $pair (i32.const 1) (i32.const 2)))
    (struct.set $pair 1 (local.get $object) (i32.const 64))
    (local.set $array (array.new_fixed $numbers 2 (i32.const 5) (i32.const 6)))
    (array.set $numbers (local.get $array) (i32.const 0) (struct.get $pair 1 (local.get $object)))
    (array.copy $numbers $numbers (local.get $array) (i32.const 1) (local.get $array) (i32.const 0) (i32.const 1))
    (drop (ref.test (ref $pair) (local.get $object)))
    (block $cast (result (ref $pair))
      (drop (br_on_cast $cast (ref null $pair) (ref $pair) (local.get $object))) (unreachable))
    (drop)
    (drop (i31.get_s (ref.i31 (i32.const 4))))
    (i32.add (array.get $numbers (local.get $array) (i32.const 1)) (array.len (local.get $array))))
  (func $control (param i32) (result i32)
    (local f32 f64) (local v128)
    (block $c (block $b (block $a (br_table $a $b $c (local.get 0)))))
    (block $caught (result i32)
      (try_table (catch $tag $caught) (throw $tag (i32.const 64)))
      (i32.const 0))
    (if (result i32) (then (i32.const 63)) (else (i32.const 64))))
  (func $numeric (result i32)
    (drop (i64.const -9223372036854775808)) (drop (f32.const 1.5)) (drop (f64.const -0.1))
    (drop (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 16 31
      (v128.const i32x4 63 64 40 41)
      (v128.const i32x4 0x3f 0x40 0x28 0x29)))
    (drop (i64.extend32_s (i64.const 64))) (drop (i32.trunc_sat_f64_u (f64.const 3)))
    (drop (select (result i32) (i32.const 1) (i32.const 2) (i32.const 0)))
    (drop (select (i32.const 1) (i32.const 2) (i32.const 0)))
    (i32.const -1073741825))
  (func $tables (result i32)
    (table.init $table $passive (i32.const 1) (i32.const 0) (i32.const 1))
    (table.copy $table $table (i32.const 2) (i32.const 0) (i32.const 1))
    (elem.drop $passive)
    (drop (table.grow $table (ref.null func) (i32.const 1)))
    (table.fill $table (i32.const 3) (ref.func $seven) (i32.const 1))
    (drop (ref.is_null (table.get $table (i32.const 4))))
    (i32.add (call_indirect $table (type $nullary) (i32.const 3)) (table.size $table)))
  (func (export "zoo") (result i32)
    (global.set $counter (i32.add (global.get $counter) (i32.load offset=63 (i32.const 64))))
    (i32.store offset=64 (i32.const 63) (global.get $counter))
    (i32.add (global.get $counter)
      (i32.add (i32.mul (i32.const 3) (call $gc))
        (i32.add (i32.mul (i32.const 5) (call $control (i32.const 1)))
          (i32.add (i32.mul (i32.const 7) (call $numeric))
            (i32.add (i32.mul (i32.const 11) (call $tables)) (i32.load (i32.const 127))))))))`;

const START = '(func (export "_start"))';
const MEMORY = '(memory (export "memory") 1)';

/** Commands that are left alone, by what they have. */
export const UNLIKE_PREVIEW1: Readonly<Record<string, string>> = {
  'an allocator for the adapter': `(module ${MEMORY} ${START}
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096)))`,
  'the older name of one': `(module ${MEMORY} ${START}
    (func (export "canonical_abi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096)))`,
  'an imported memory': `(module (import "wasi_snapshot_preview1" "memory" (memory 1)) ${START})`,
  'two memories': `(module ${MEMORY} (memory 1) ${START})`,
  'a 64-bit memory': `(module (memory (export "memory") i64 1) ${START})`,
  'no memory': `(module ${START})`,
  'nearly 4 GiB': `(module (memory (export "memory") 65534) ${START})`,
  'an import of another module': `(module (import "env" "random_get" (func (param i32 i32) (result i32))) ${MEMORY} ${START})`,
  'an unknown import': `(module (import "wasi_snapshot_preview1" "gaze" (func (param i32))) ${MEMORY} ${START})`,
  'an import by another type': `(module (import "wasi_snapshot_preview1" "random_get" (func $r (param i64 i32) (result i32)))
    ${MEMORY} ${START} (func (result i32) (call $r (i64.const 0) (i32.const 1))))`,
  'arguments without their number': `(module (import "wasi_snapshot_preview1" "args_get" (func (param i32 i32) (result i32))) ${MEMORY} ${START})`,
  'a component type': `(module (@custom "component-type:x" "") ${MEMORY} ${START})`,
  'a data segment with a computed place': `(module (global i32 (i32.const 8)) (data (offset (i32.add (i32.const 1) (i32.const 2))) "x") ${MEMORY} ${START})`,
};
