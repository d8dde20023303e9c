/** The guests of this bench, as text: a command that does nothing, and one that holds its place for 20 ms. */

const EXPORT_RUN = `
  (func $run (result (result)) (canon lift (core func $m "run")))
  (component $C (import "run" (func $r (result (result)))) (export "run" (func $r)))
  (instance $i (instantiate $C (with "run" (func $run))))
  (export "wasi:cli/run@0.2.0" (instance $i))`;

export const SMALL = `(component
  (core module $M (func (export "run") (result i32) (i32.const 0)))
  (core instance $m (instantiate $M))
  ${EXPORT_RUN})`;

export const NAP = `(component
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow 0))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (alias outer 1 $pollable (type $outer))
    (export "pollable" (type (eq $outer)))
    (export "subscribe-duration" (func (param "when" u64) (result (own 0))))))
  (core func $subscribe (canon lower (func $clock "subscribe-duration")))
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core func $drop (canon resource.drop $pollable))
  (core module $M
    (import "" "subscribe" (func $subscribe (param i64) (result i32)))
    (import "" "block" (func $block (param i32)))
    (import "" "drop" (func $drop (param i32)))
    (func (export "run") (result i32) (local $pollable i32)
      (call $block (local.tee $pollable (call $subscribe (i64.const 20000000))))
      (call $drop (local.get $pollable))
      (i32.const 0)))
  (core instance $m (instantiate $M (with "" (instance
    (export "subscribe" (func $subscribe)) (export "block" (func $block)) (export "drop" (func $drop))))))
  ${EXPORT_RUN})`;
