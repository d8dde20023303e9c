import { createHmac } from 'node:crypto';
import test from 'ava';
import {
  makeSigningSecret,
  requireSignature,
  webhookHead,
} from '../../host/control-plane/webhook-signature.ts';
import { QUEUE_LIMITS } from '../../host/limits/event-limits.ts';
import { isSigningSecret } from '../../host/model/webhook-signature.ts';

const NOW_MS = 1_614_265_330_000;
/** The example of the specification. */
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const BODY = Buffer.from('{"test": 2432232314}');
const EXAMPLE = {
  'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  'webhook-timestamp': '1614265330',
  'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
};

function check(
  fields: Record<string, string>,
  {
    secrets = [SECRET],
    body = BODY,
    nowMs = NOW_MS,
  }: { secrets?: string[]; body?: Uint8Array; nowMs?: number } = {},
): void {
  requireSignature(webhookHead(new Headers(fields), nowMs), body, secrets);
}

const REFUSED = { code: 'signature_invalid' } as never;

test("the specification's example is taken", (t) => {
  t.notThrows(() => check(EXAMPLE));
});

test('what was changed, replayed later or signed by somebody else is refused', (t) => {
  t.throws(() => check(EXAMPLE, { body: Buffer.from('{"test": 2432232315}') }), REFUSED);
  t.throws(() => check({ ...EXAMPLE, 'webhook-id': 'msg_other' }), REFUSED);
  t.throws(() => check({ ...EXAMPLE, 'webhook-timestamp': '1614265331' }), REFUSED);
  t.throws(() => check(EXAMPLE, { secrets: [makeSigningSecret()] }), REFUSED);
  t.throws(() => check(EXAMPLE, { secrets: [] }), REFUSED);
  const edge = QUEUE_LIMITS.signatureToleranceMs;
  t.notThrows(() => check(EXAMPLE, { nowMs: NOW_MS + edge }));
  t.notThrows(() => check(EXAMPLE, { nowMs: NOW_MS - edge }));
  t.throws(() => check(EXAMPLE, { nowMs: NOW_MS + edge + 1 }), REFUSED);
  t.throws(() => check(EXAMPLE, { nowMs: NOW_MS - edge - 1 }), REFUSED);
});

test('while secrets are rotated, any of them and any of the signatures will do', (t) => {
  const next = makeSigningSecret();
  t.notThrows(() => check(EXAMPLE, { secrets: [next, SECRET] }));
  const wrong = Buffer.alloc(32).toString('base64');
  const signatures = `v1a,abc v1,${wrong} ${EXAMPLE['webhook-signature']}`;
  t.notThrows(() => check({ ...EXAMPLE, 'webhook-signature': signatures }));
  t.throws(() => check({ ...EXAMPLE, 'webhook-signature': `v1,${wrong}` }), REFUSED);
  const shorter = EXAMPLE['webhook-signature'].slice(0, 20);
  t.throws(() => check({ ...EXAMPLE, 'webhook-signature': shorter }), REFUSED);
  t.throws(() => check({ ...EXAMPLE, 'webhook-signature': EXAMPLE['webhook-signature'].slice(3) }), REFUSED);
});

test('a full stop cannot move between the parts of what is signed', (t) => {
  // Signed for the id `a`, the timestamp of long ago and a body that begins with a number.
  const key = Buffer.from(SECRET.slice(6), 'base64');
  const signature = createHmac('sha256', key).update('a.5.1614265330.x').digest('base64');
  const moved = {
    'webhook-id': 'a.5',
    'webhook-timestamp': '1614265330',
    'webhook-signature': `v1,${signature}`,
  };
  t.throws(() => check(moved, { body: Buffer.from('x') }), REFUSED);
});

test('fields that are missing or no numbers are refused before the body is asked for', (t) => {
  for (const [name, value] of [
    ['webhook-id', ''],
    ['webhook-id', 'x'.repeat(129)],
    ['webhook-timestamp', ''],
    ['webhook-timestamp', '1614265330.0'],
    ['webhook-timestamp', '1e9'],
    ['webhook-signature', ''],
    ['webhook-signature', 'v2,abc'],
  ] as const) {
    t.throws(
      () => webhookHead(new Headers({ ...EXAMPLE, [name]: value }), NOW_MS),
      REFUSED,
      `${name} ${value}`,
    );
  }
});

test('a secret is whsec_ and 24 to 64 bytes', (t) => {
  t.true(isSigningSecret(SECRET));
  t.true(isSigningSecret(makeSigningSecret()));
  t.not(makeSigningSecret(), makeSigningSecret());
  for (const text of [
    '',
    'whsec_',
    'whsec_abc',
    SECRET.slice(6),
    `whsec_${'!'.repeat(32)}`,
    `whsec_${'a'.repeat(100)}`,
  ])
    t.false(isSigningSecret(text), text);
});
