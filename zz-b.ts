import { componentize } from 'componentize-qjs';
import { cp, mkdir, writeFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assembleWit } from './guest-sdk/build/wit-folder.ts';
import { print, componentWit } from '@bytecodealliance/jco-transpile/wasm-tools';
await using wit = await assembleWit();
await mkdir(join(wit.path, 'deps/mayfly-events'), { recursive: true });
await cp('wit/mayfly-events.wit', join(wit.path, 'deps/mayfly-events/package.wit'));
const base = await readFile(join(wit.path,'world.wit'),'utf8');
await writeFile(join(wit.path,'world.wit'), base.replace('export wasi:http/handler@0.3.0;', process.argv[2] ?? 'export mayfly:events/queue-handler@0.1.0;'));
const t0 = performance.now();
try {
const { component } = await componentize({ witPath: wit.path, world: 'http-function', jsSource: process.argv[3] ?? `export const queueHandler = { async handle(batch) { if (batch.messages.length===0) throw 'none'; return batch.messages.map(m=>({id:m.id, detail: JSON.stringify([m.sentAtMs, typeof m.sentAtMs, m.groupKey, m.contentType, m.attributes, m.body.constructor.name, batch.traceparent])})); } };`});
console.log(performance.now()-t0, component.length);
await writeFile('/tmp/ge/q.wasm', component);
const text = await print(component);
console.log(text.match(/canon lift.*/g));
} catch (e) { console.log(performance.now()-t0, e.message); }
