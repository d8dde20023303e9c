import test from 'ava';
import { checkedLookup, type Lookup } from '../../../host/wasi/http/outbound-pool.ts';
import { codeOf, OutboundFixture, readAll, resolvesTo } from './support/outbound-fixture.ts';

test('a host that the list does not name is denied', async (t) => {
  await using fixture = new OutboundFixture();
  t.is(await codeOf(fixture.send('example.com', {}, [])), 'HTTP-request-denied');
  t.is(
    await codeOf(fixture.send('example.com', {}, ['example.org', '*.example.com'])),
    'HTTP-request-denied',
  );
  t.is(await codeOf(fixture.send('example.com:81', {}, ['example.com'])), 'HTTP-request-denied');
});

test('no spelling of an address of the host itself passes a wildcard', async (t) => {
  await using fixture = new OutboundFixture();
  let reached = 0;
  const authority = await fixture.listen((_incoming, answer) => {
    reached += 1;
    answer.end();
  });
  const port = authority.split(':')[1];
  for (const host of [
    '127.0.0.1',
    '127.1',
    '0x7f.1',
    '2130706433',
    '017700000001',
    '0.0.0.0',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '169.254.169.254',
    '127.0.0.1.',
  ]) {
    t.is(await codeOf(fixture.send(`${host}:${port}`, {}, ['*'])), 'destination-IP-prohibited', host);
  }
  t.is(reached, 0);
});

test('a public name that resolves to a private address is refused where it connects', async (t) => {
  for (const address of ['127.0.0.1', '10.0.0.1', '169.254.169.254', '::1', '::ffff:127.0.0.1', 'fd00::1']) {
    await using fixture = new OutboundFixture(resolvesTo(address));
    const sent = fixture.send('rebound.example', {}, ['*', '*.example']);
    t.is(await codeOf(sent), 'destination-IP-prohibited', address);
  }
});

test('a resolver that answers public first and private later does not get through', async (t) => {
  let asked = 0;
  const flipping: Lookup = (hostname, options, callback) => {
    asked += 1;
    resolvesTo('127.0.0.1')(hostname, options, callback);
  };
  await using fixture = new OutboundFixture(flipping);
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    t.is(await codeOf(fixture.send('rebound.example', {}, ['*.example'])), 'destination-IP-prohibited');
    t.is(asked, attempt, 'every connection resolves anew, and what it gets is what it connects to');
  }
});

test('of several addresses of a name the public ones are left, wherever they stand', (t) => {
  const look = (all: boolean, ...addresses: string[]): unknown => {
    let answer: unknown;
    checkedLookup(resolvesTo(...addresses))('mixed.example', { all }, (error, found, family) => {
      answer =
        error === null ? (all ? found : [found, family]) : (error as Error & { payload?: object }).payload;
    });
    return answer;
  };
  const [one, other] = [
    { address: '8.8.8.8', family: 4 },
    { address: '2606:4700::1', family: 6 },
  ];
  const mixed = ['8.8.8.8', '127.0.0.1', '::1', '2606:4700::1', '10.0.0.1'];
  t.deepEqual(look(true, ...mixed), [one, other]);
  t.deepEqual(look(true, ...mixed.toReversed()), [other, one]);
  t.deepEqual(look(false, ...mixed.toReversed()), ['2606:4700::1', 6]);
  t.deepEqual(look(true, '127.0.0.1', '::1'), { tag: 'destination-IP-prohibited' });
});

test('a name that the list spells out may lead to a private address, for that function only', async (t) => {
  await using fixture = new OutboundFixture(resolvesTo('127.0.0.1'));
  const authority = await fixture.listen((_incoming, answer) => void answer.end('inside'));
  const named = `internal.example:${authority.split(':')[1]}`;
  const response = await fixture.send(named, {}, [named]);
  t.is(await readAll(response.body), 'inside');
  // The connection above is idle in the tenant's pool now; a wildcard must not be handed it.
  t.is(await codeOf(fixture.send(named, {}, ['*'])), 'destination-IP-prohibited');
});

test('authorities that could smuggle something are refused', async (t) => {
  await using fixture = new OutboundFixture();
  for (const authority of [
    'user@example.com',
    'example.com/x',
    'example.com#',
    'exa mple.com',
    'a\\b',
    '',
    ':80',
  ]) {
    t.is(await codeOf(fixture.send(authority, {}, ['*'])), 'HTTP-request-URI-invalid', authority);
  }
});

test('paths and methods that could split a request are refused', async (t) => {
  await using fixture = new OutboundFixture();
  for (const pathWithQuery of ['/a b', '/a\r\nx: y', '/ü\u0100']) {
    t.is(await codeOf(fixture.send('127.0.0.1:9', { pathWithQuery })), 'HTTP-request-URI-invalid');
  }
  for (const method of ['CONNECT', 'GE T', '']) {
    t.is(await codeOf(fixture.send('127.0.0.1:9', { method })), 'HTTP-request-method-invalid');
  }
});

test('an absolute path does not become the target of the request', async (t) => {
  await using fixture = new OutboundFixture();
  const authority = await fixture.listen((incoming, answer) => void answer.end(incoming.url));
  const response = await fixture.send(authority, { pathWithQuery: 'http://elsewhere.example/' });
  t.is(await readAll(response.body), '/http://elsewhere.example/');
});
