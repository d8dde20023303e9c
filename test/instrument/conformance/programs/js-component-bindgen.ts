import { transpileBytes } from '@bytecodealliance/jco-transpile';
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco-transpile/wasm-tools';

const WIT = `package test:shapes; world shapes {
  import log: interface { resource sink { constructor(name: string); write: func(text: string) -> result<u32, string>; } }
  export area: func(sides: list<f64>, of: tuple<u8, option<string>>) -> result<f64, string>;
  export names: func(n: u32) -> list<string>;
}`;

/** Generates the glue for a component. */
export default async function run(): Promise<string> {
  const core = await parse(`(module
    (import "log" "[constructor]sink" (func (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "area") (param i32 i32 i32 i32 i32 i32) (result i32) i32.const 0)
    (func (export "names") (param i32) (result i32) i32.const 0)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 64))`);
  const embedded = await componentEmbed({ binary: core, witSource: WIT });
  const { files } = await transpileBytes(await componentNew(embedded), {
    name: 'shapes',
    instantiation: 'sync',
  });
  return Object.entries(files)
    .map(([name, bytes]) => `${name}\n${Buffer.from(bytes).toString()}`)
    .join('\n');
}
