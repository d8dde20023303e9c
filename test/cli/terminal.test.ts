import { PassThrough, Readable } from 'node:stream';
import test from 'ava';
import { printBytes } from '../../guest-sdk/cli/terminal.ts';

async function printed(chunks: readonly string[], isTTY: boolean): Promise<string> {
  const output = Object.assign(new PassThrough(), { isTTY });
  await printBytes(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), output);
  return output
    .end()
    .setEncoding('utf8')
    .toArray()
    .then((texts) => texts.join(''));
}

test('bytes go on as they are, but that a terminal gets an end to the last line', async (t) => {
  for (const chunks of [['a'], ['a\n', 'b'], ['a', ''], ['a\n'], ['a', '\n'], ['\n'], ['']]) {
    const text = chunks.join('');
    t.is(await printed(chunks, false), text);
    t.is(await printed(chunks, true), text === '' || text.endsWith('\n') ? text : `${text}\n`);
  }
});
