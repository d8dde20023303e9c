/** A JavaScript guest that uses WASI 0.3: streams, futures and async functions, through jco's runtime. */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { componentize } from 'componentize-qjs';
import { ExitError } from '../../../host/wasi/cli/exit.ts';
import { createImports } from '../../../host/wasi/imports.ts';
import { BytePipe } from '../../../host/wasi/io/byte-pipe.ts';
import { createFakeContext, type FakeContext } from '../fake-context.ts';
import { type GuestComponent, loadComponent } from '../guest-component.ts';

const WORLD = `
package test:guest;
world guest {
  import wasi:cli/environment@0.3.0;
  import wasi:cli/exit@0.3.0;
  import wasi:cli/stdin@0.3.0;
  import wasi:cli/stdout@0.3.0;
  import wasi:cli/stderr@0.3.0;
  import wasi:clocks/monotonic-clock@0.3.0;
  import wasi:clocks/system-clock@0.3.0;
  import wasi:random/random@0.3.0;
  import wasi:random/insecure@0.3.0;
  import wasi:random/insecure-seed@0.3.0;
  export act: async func(what: string) -> string;
}`;

const SOURCE = `
import * as environment from 'wasi:cli/environment@0.3.0';
import * as exit from 'wasi:cli/exit@0.3.0';
import * as stdin from 'wasi:cli/stdin@0.3.0';
import * as stdout from 'wasi:cli/stdout@0.3.0';
import * as stderr from 'wasi:cli/stderr@0.3.0';
import * as monotonic from 'wasi:clocks/monotonic-clock@0.3.0';
import * as system from 'wasi:clocks/system-clock@0.3.0';
import * as random from 'wasi:random/random@0.3.0';
import * as insecure from 'wasi:random/insecure@0.3.0';
import * as seed from 'wasi:random/insecure-seed@0.3.0';

const actions = {
  environment: () => JSON.stringify([environment.getEnvironment(), environment.getArguments(), environment.getInitialCwd()]),
  async copy() {
    const [input, inputDone] = stdin.readViaStream();
    const { readable, writable } = wit.Stream(wit.Stream.U8);
    const outputDone = stdout.writeViaStream(readable);
    let count = 0;
    for await (const chunk of input) {
      count += chunk.length;
      await writable.writeAll(chunk);
    }
    writable.drop();
    const results = [await inputDone.read(), await outputDone.read()];
    return count + ' ' + JSON.stringify(results);
  },
  async complain() {
    const { readable, writable } = wit.Stream(wit.Stream.U8);
    const done = stderr.writeViaStream(readable);
    await writable.writeAll(new Uint8Array([111, 104, 10]));
    writable.drop();
    await done.read();
    return 'complained';
  },
  async sleep() {
    const before = Number(monotonic.now());
    await monotonic.waitFor(5000000);
    return String(Number(monotonic.now()) - before) + ' ' + Number(system.now().seconds);
  },
  random: () => [random.getRandomBytes(5).length, insecure.getInsecureRandomBytes(6).length, seed.getInsecureSeed().length].join(),
  exit: () => exit.exitWithCode(3),
};
export async function act(what) { return await actions[what](); }
`;

let guest: GuestComponent;

/** The guest's world with jco's own copies of the WASI packages. */
async function createWorldFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-wit-'));
  const entry = fileURLToPath(import.meta.resolve('@bytecodealliance/jco'));
  const packages = join(entry.slice(0, entry.lastIndexOf('jco') + 3), 'lib', 'wit', 'builtin', '0.3.0');
  await mkdir(join(folder, 'deps'));
  for (const name of ['wasi-cli', 'wasi-clocks', 'wasi-filesystem', 'wasi-random', 'wasi-sockets']) {
    await cp(join(packages, name), join(folder, 'deps', name), { recursive: true });
  }
  await writeFile(join(folder, 'world.wit'), WORLD);
  return folder;
}

test.before(async () => {
  const witPath = await createWorldFolder();
  try {
    const { component } = await componentize({ witPath, world: 'guest', jsSource: SOURCE });
    guest = await loadComponent(component, []);
  } finally {
    await rm(witPath, { recursive: true, force: true });
  }
});

async function act(context: FakeContext, what: string): Promise<string> {
  const { act: call } = await guest.instantiate(createImports(context));
  return String(await call?.(what));
}

test('the guest sees its environment', async (t) => {
  const context = createFakeContext({ args: ['a'], environment: [['K', 'v']] });
  t.deepEqual(JSON.parse(await act(context, 'environment')), [[['K', 'v']], ['a'], '/']);
});

test('a stream of input is copied to the output, with back-pressure, and both ends are told', async (t) => {
  const bytes = Buffer.alloc(50_000, 'abcdefg');
  const input = new BytePipe(1000);
  const context = createFakeContext();
  const copying = act({ ...context, stdin: input.source }, 'copy');
  for (let sent = 0; sent < bytes.length; ) {
    await input.sink.ready();
    const size = Math.min(input.sink.checkWrite(), bytes.length - sent);
    input.sink.write(Uint8Array.from(bytes.subarray(sent, sent + size)));
    sent += size;
  }
  input.sink.end();
  const answer = await copying;
  t.true(answer.startsWith('50000 '), answer);
  t.false(answer.includes('err'), answer);
  t.is(context.stdout.text, bytes.toString());
});

test('an input that fails is told by its future', async (t) => {
  const input = new BytePipe();
  input.sink.write(Buffer.from('abc'));
  input.sink.abort(new Error('cut'));
  const answer = await act({ ...createFakeContext(), stdin: input.source }, 'copy');
  t.true(answer.startsWith('3 '), answer);
  t.true(answer.includes('io'), answer);
});

test('standard error is written', async (t) => {
  const context = createFakeContext();
  t.is(await act(context, 'complain'), 'complained');
  t.is(context.stderr.text, 'oh\n');
});

test('the guest sleeps on the clock it is given', async (t) => {
  const context = createFakeContext();
  const sleeping = act(context, 'sleep');
  while (context.clock.sleepers === 0) await new Promise(setImmediate);
  context.clock.advance(5_000_000n);
  t.is(await sleeping, '5000000 1700000000');
});

test('the guest gets random bytes', async (t) => {
  t.is(await act(createFakeContext(), 'random'), '5,6,2');
});

test('exit-with-code ends the guest with that status', async (t) => {
  const error = await t.throwsAsync(act(createFakeContext(), 'exit'), { instanceOf: ExitError });
  t.is(error?.status, 3);
});
