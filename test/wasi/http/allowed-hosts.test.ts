import test from 'ava';
import { AllowedHosts, type Permission } from '../../../host/wasi/http/allowed-hosts.ts';

const TABLE: readonly (readonly [patterns: string[], url: string, expected: Permission])[] = [
  [[], 'https://example.com', 'denied'],
  [['example.com'], 'https://example.com', 'named'],
  [['example.com'], 'http://example.com', 'named'],
  [['EXAMPLE.com'], 'http://example.com', 'named'],
  [['example.com'], 'https://example.com:8443', 'denied'],
  [['example.com:8443'], 'https://example.com:8443', 'named'],
  [['example.com:8443'], 'https://example.com', 'denied'],
  [['example.com'], 'https://www.example.com', 'denied'],
  [['example.com'], 'https://badexample.com', 'denied'],
  [['*.example.com'], 'https://www.example.com', 'public-only'],
  [['*.example.com'], 'https://a.b.example.com', 'public-only'],
  [['*.example.com'], 'https://example.com', 'denied'],
  [['*.example.com'], 'https://badexample.com', 'denied'],
  [['*.example.com:81'], 'http://www.example.com:81', 'public-only'],
  [['*'], 'https://example.com', 'public-only'],
  [['*'], 'https://example.com:8443', 'public-only'],
  [['*:443'], 'http://example.com', 'denied'],
  [['*:443'], 'https://example.com', 'public-only'],
  [['*', '127.0.0.1:8080'], 'http://127.0.0.1:8080', 'named'],
  [['*', '127.0.0.1:8080'], 'http://127.0.0.1:8081', 'public-only'],
  [['[::1]:3000'], 'http://[::1]:3000', 'named'],
  [['[0:0::1]:3000'], 'http://[::1]:3000', 'named'],
  [['localhost:3000'], 'http://localhost:3000', 'named'],
];

for (const [patterns, url, expected] of TABLE) {
  test(`${url} is ${expected} where [${patterns.join(', ')}] are allowed`, (t) => {
    const { protocol, hostname, port } = new URL(url);
    const scheme = protocol === 'https:' ? 'https' : 'http';
    const portNumber = port === '' ? (scheme === 'https' ? 443 : 80) : Number(port);
    t.is(new AllowedHosts(patterns).permission({ scheme, host: hostname, port: portNumber }), expected);
  });
}
