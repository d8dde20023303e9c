import test from 'ava';
import { MayflyError } from '../../host/errors/errors.ts';
import { CommandOutput, cgiVariables } from '../../host/instance/serve-command.ts';
import type { HeaderList, HttpExchange } from '../../host/wasi/context.ts';
import type { ByteSink } from '../../host/wasi/io/bytes.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const bytes = (value: string): Uint8Array => Buffer.from(value, 'latin1');

class Recorder {
  status: number | undefined;
  headers: HeaderList = [];
  body = '';
  ended = false;

  get exchange(): HttpExchange {
    return {
      respond: (status: number, headers: HeaderList): ByteSink => {
        this.status = status;
        this.headers = headers;
        return {
          write: (chunk: Uint8Array) => {
            this.body += text(chunk);
          },
          end: () => {
            this.ended = true;
          },
        } as unknown as ByteSink;
      },
    } as unknown as HttpExchange;
  }

  get plainHeaders(): Record<string, string> {
    return Object.fromEntries(this.headers.map(([name, value]) => [name, text(value)]));
  }
}

function run(output: string, cgi: boolean, chunk = output.length): Recorder {
  const recorder = new Recorder();
  const sink = new CommandOutput(recorder.exchange, cgi);
  for (let i = 0; i < output.length; i += chunk) sink.write(bytes(output.slice(i, i + chunk)));
  sink.end();
  return recorder;
}

test('output without a CGI head is the body of a 200 answer', (t) => {
  const { status, body, ended } = run('hello: world\n\nmore', true);
  t.is(status, 200);
  t.is(body, 'hello: world\n\nmore');
  t.true(ended);
});

test('no output at all is an empty 200 answer', (t) => {
  t.is(run('', true).status, 200);
  t.is(run('', false).status, 200);
});

test("an event's answer is never read as CGI", (t) => {
  t.is(run('Status: 404\n\nx', false).body, 'Status: 404\n\nx');
});

for (const chunk of [1, 2, 3, 7, 1_000]) {
  test(`a CGI head is found in chunks of ${chunk} bytes`, (t) => {
    const recorder = run(
      'Content-Type: text/plain\r\nStatus: 404 Not Found\r\nX-A: b\r\n\r\nbody\n\nrest',
      true,
      chunk,
    );
    t.is(recorder.status, 404);
    t.deepEqual(recorder.plainHeaders, { 'content-type': 'text/plain', 'x-a': 'b' });
    t.is(recorder.body, 'body\n\nrest');
  });
}

test('a location without a status redirects', (t) => {
  const recorder = run('Location: /elsewhere\n\n', true);
  t.is(recorder.status, 302);
  t.is(recorder.plainHeaders['location'], '/elsewhere');
});

for (const head of [
  'Status: 99\n\n',
  'Status: abc\n\n',
  'Content-Type: a\nno colon\n\n',
  'Status: 200\nbad name: x\n\n',
]) {
  test(`${JSON.stringify(head)} is refused as a head`, (t) => {
    const error = t.throws(() => run(head, true), { instanceOf: MayflyError });
    t.is(error.code, 'response_invalid');
  });
}

test('CGI variables follow RFC 3875 and leave out what must not be passed', (t) => {
  const variables = Object.fromEntries(
    cgiVariables(
      {
        method: 'POST',
        scheme: 'http',
        authority: 'example.com:8080',
        pathWithQuery: '/a%20b/c?x=1&y=%20',
        headers: [
          ['content-type', bytes('text/plain')],
          ['x-a', bytes('1')],
          ['x-a', bytes('2')],
          ['proxy', bytes('http://evil')],
          ['authorization', bytes('Bearer secret')],
        ],
      } as unknown as HttpExchange,
      '/fn/default/f',
    ),
  );
  t.like(variables, {
    REQUEST_METHOD: 'POST',
    SERVER_NAME: 'example.com',
    SERVER_PORT: '8080',
    SCRIPT_NAME: '/fn/default/f',
    PATH_INFO: '/a b/c',
    QUERY_STRING: 'x=1&y=%20',
    CONTENT_TYPE: 'text/plain',
    HTTP_X_A: '1, 2',
  });
  t.false('HTTP_PROXY' in variables);
  t.false('HTTP_AUTHORIZATION' in variables);
});
