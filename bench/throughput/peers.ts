/** The systems that Mayfly is compared with. Each starts on 127.0.0.1, on a port of its own. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type BuiltGuest, HELLO_SOURCE } from './guests.ts';
import { installWorkerd } from './peer-packages.ts';
import { freePort, ServerProcess } from './server-process.ts';
import { type Subject, TEXT } from './subject.ts';

const run = promisify(execFile);

export async function startHono(): Promise<Subject> {
  const server = await ServerProcess.start({
    program: process.execPath,
    args: [fileURLToPath(new URL('./hono-process.ts', import.meta.url)), TEXT],
    ready: /listening on (\d+)/,
  });
  return { name: 'hono', port: Number(server.said[1]), path: '/hello', server };
}

/** One isolate that all requests share, as workerd is meant to be used. */
export async function startWorkerd(folder: string): Promise<Subject> {
  const binary = await installWorkerd(folder);
  const files = join(folder, 'worker');
  await mkdir(files, { recursive: true });
  await writeFile(join(files, 'hello.js'), HELLO_SOURCE);
  await writeFile(
    join(files, 'hello.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "hello", worker = (
    modules = [(name = "hello.js", esModule = embed "hello.js")],
    compatibilityDate = "2026-11-01"))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "hello")]);
`,
  );
  const server = await ServerProcess.start({
    program: binary,
    args: ['serve', join(files, 'hello.capnp'), '--control-fd=3'],
    ready: /"event":"listen","socket":"http","port":(\d+)/,
  });
  return { name: 'workerd', port: Number(server.said[1]), path: '/', server };
}

/**
 * `jco serve --isolate-requests instance`. It transpiles the component, writes a server, and starts that in a process of
 * its own, which would outlive it: so it is told to start nothing, and the server is started here.
 */
export async function startJcoServe({ path }: BuiltGuest, folder: string): Promise<Subject> {
  const port = await freePort();
  const jco = join(dirname(createRequire(import.meta.url).resolve('@bytecodealliance/jco')), 'jco.js');
  const listen = ['--host', '127.0.0.1', '--port', String(port)];
  const args = [jco, 'serve', path, ...listen, '--isolate-requests', 'instance', '--jco-dir', folder];
  await run(process.execPath, args, { env: { ...process.env, JCO_RUN_PATH: 'true' } });
  const server = await ServerProcess.start({
    program: process.execPath,
    args: [join(folder, '_run.js')],
    ready: /Server listening/,
  });
  return { name: 'jco serve, starlingmonkey', port, path: '/', server };
}

/** A fresh instance for every request is what it does without being asked. */
export async function startWasmtime({ name, path }: BuiltGuest): Promise<Subject> {
  const server = await ServerProcess.start({
    program: 'wasmtime',
    args: ['serve', '-S', 'cli', '--addr', '127.0.0.1:0', path],
    ready: /http:\/\/127\.0\.0\.1:(\d+)/,
  });
  return { name: `wasmtime serve, ${name}`, port: Number(server.said[1]), path: '/', server };
}

export async function hasWasmtime(): Promise<boolean> {
  return run('wasmtime', ['--version']).then(
    () => true,
    () => false,
  );
}
