import { componentNew, parse, print } from '@bytecodealliance/jco-transpile/wasm-tools';

/** Assembles, prints and assembles again; wraps the module up as a component. */
export default async function run(): Promise<string> {
  const functions = Array.from(
    { length: 200 },
    (_, i) => `(func $f${i} (export "f${i}") (param i32 i64 f32 f64) (result i64) (local v128)
      (if (result i64) (i32.lt_u (local.get 0) (i32.const ${i * 7919})) (then (i64.mul (local.get 1) (i64.const ${i})))
        (else (block $b (br_table $b $b (local.get 0))) (i64.trunc_sat_f64_s (f64.add (local.get 3) (f64.const ${i / 7}))))))`,
  );
  const bytes = await parse(`(module (memory 1) (data (i32.const 8) "\\00text") ${functions.join('\n')})`);
  const text = await print(bytes);
  const component = await componentNew(
    await parse('(module (memory (export "memory") 1) (func (export "run")))'),
  );
  const failure = await parse('(module (func (i32.cosnt 1)))').then(String, String);
  return [
    text,
    Buffer.from(await parse(text)).toString('hex'),
    Buffer.from(component).toString('hex'),
    failure,
  ].join('\n');
}
