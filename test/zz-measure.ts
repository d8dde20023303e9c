import { readFile, writeFile } from 'node:fs/promises';
import { artifactOf } from './harness/artifact.ts';
import { Serving } from './instance/freshness/serving.ts';
const which = process.argv[2]!;
const { buildHandler } = await import(`${which}/guest-sdk/build/handler.ts`);
const out = `/tmp/ge/hello-${which.split('/').at(-1)}.wasm`;
let bytes: Buffer;
try { bytes = await readFile(out); } catch { const r = await buildHandler('/work/wt/guest-events/examples/hello-ts/src/hello.ts'); bytes = Buffer.from(r.component); await writeFile(out, bytes); }
const artifact = await artifactOf(bytes);
const serving = new Serving(artifact);
for (let i=0;i<3;i++) { const s = await serving.call({ path:'/greet?name=Ada' }); console.log(which, s.fuel, s.failure, Buffer.from(s.body,'hex').toString(), bytes.length); }
const slot = serving.lastSlot; console.log((slot as any).start);
serving[Symbol.dispose]();
process.exit(0);
