/** The atomic steps of the Redis engine: one Lua file each, in `lua/`, with `prelude.lua` before what it does. */
import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';

const SCRIPTS = [
  'send',
  'claim',
  'extend',
  'settle',
  'finish',
  'counts',
  'peek',
  'redrive',
  'purge',
  'remove',
  'next',
  'stream-claim',
  'stream-settle',
  'stream-counts',
  'stream-place',
  'stream-peek',
  'stream-find',
  'stream-redrive',
  'stream-purge',
] as const;
export type ScriptName = (typeof SCRIPTS)[number];

/** KEYS and ARGV. */
export type ScriptArguments = readonly (string | number | Buffer)[];

function read(name: string): string {
  return readFileSync(new URL(`lua/${name}.lua`, import.meta.url), 'utf8');
}

/** The first line of a script says what Redis may do with it, so it stays the first. */
export function scriptSource(name: ScriptName, prelude: string = read('prelude')): string {
  const source = read(name);
  const end = source.indexOf('\n') + 1;
  return `${source.slice(0, end)}${prelude}${source.slice(end)}`;
}

/** Teaches a client the scripts. They are sent whole once per connection, by their digest from then on. */
export function defineScripts(redis: Redis): void {
  const prelude = read('prelude');
  for (const name of SCRIPTS) {
    redis.defineCommand(commandOf(name), {
      lua: scriptSource(name, prelude),
      numberOfKeys: name.startsWith('stream-') ? 2 : 1,
    });
  }
}

/** Runs one; texts in the answer are Buffers. */
export function runScript(redis: Redis, name: ScriptName, args: ScriptArguments): Promise<unknown> {
  const commands = redis as unknown as Readonly<
    Record<string, (...args: ScriptArguments) => Promise<unknown>>
  >;
  return commands[`${commandOf(name)}Buffer`]!(...args);
}

function commandOf(name: ScriptName): string {
  return `mayfly-${name}`;
}
