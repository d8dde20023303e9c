import wabt from 'wabt';

/** Assembles, validates and prints a module, and reads its bytes back; has it find mistakes as well. */
export default async function run(): Promise<Uint8Array> {
  const { parseWat, readWasm } = await wabt();
  const functions = Array.from(
    { length: 300 },
    (_, i) => `(func $f${i} (export "f${i}") (param $n i32) (param $x f64) (result f64)
      (local $sum f64) (local $i i32)
      (loop $next
        (local.set $sum (f64.add (local.get $sum) (f64.mul (local.get $x) (f64.const ${i + 0.25}))))
        (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
      (call ${i === 0 ? '$f0' : `$f${i - 1}`} (i32.shr_u (local.get $n) (i32.const 1)) (local.get $sum)))`,
  );
  const module = parseWat(
    'made.wat',
    `(module (memory 1) (data (i32.const 0) "\\00abc") ${functions.join('\n')})`,
  );
  module.validate();
  const text = module.toText({ foldExprs: true, inlineExport: true });
  const { buffer } = module.toBinary({ write_debug_names: true });
  const read = readWasm(buffer, { readDebugNames: true });
  read.applyNames();
  let failure = '';
  try {
    parseWat('wrong.wat', '(module (func (result i32) (i64.const 1) (i32.cosnt 2)))');
  } catch (error) {
    failure = String(error);
  }
  return Buffer.concat([Buffer.from(text), buffer, Buffer.from(read.toText({})), Buffer.from(failure)]);
}
