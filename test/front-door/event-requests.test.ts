/** Events for components that know no records: a request, or standard input, with Lambda's event as JSON. */
import test from 'ava';
import type { LoadedArtifact } from '../../host/instance/artifact.ts';
import { artifactOf } from '../harness/artifact.ts';
import { batch, EventServing, event, message, TRACEPARENT, tick } from '../harness/event-serving.ts';
import { cCommand } from '../harness/guests.ts';
import { echoGuest } from '../harness/wat-guests.ts';

/** Says what is in its environment, then repeats its input, in one line each. */
const TELLS = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
extern char **environ;
int main(void) {
  static char text[1 << 20];
  for (char **each = environ; *each; each++) if (strncmp(*each, "PWD=", 4)) printf("%s\\n", *each);
  size_t n = fread(text, 1, sizeof text - 1, stdin);
  fwrite(text, 1, n, stdout);
  return 0;
}
`;

/** Answers what stands in the body of the first message. */
const ANSWERS = `
#include <stdio.h>
#include <string.h>
int main(void) {
  static char text[1 << 20];
  size_t n = fread(text, 1, sizeof text - 1, stdin);
  text[n] = 0;
  char *at = strstr(text, "\\"body\\":\\"");
  if (!at) { fwrite(text, 1, n, stdout); return 0; }
  for (at += 8; *at && *at != '"'; at++) {
    if (*at == '\\\\') at++;
    if (*at == '~') putchar(0xff); else putchar(*at);
  }
  return 0;
}
`;

let tells: LoadedArtifact;
let answers: LoadedArtifact;
let echo: LoadedArtifact;

test.before(async () => {
  tells = await artifactOf(await cCommand(TELLS));
  answers = await artifactOf(await cCommand(ANSWERS));
  echo = await artifactOf(await echoGuest('0.2.12'));
});

function told(outcome: Awaited<ReturnType<EventServing['deliver']>>): string[] {
  if (outcome.kind !== 'returned') throw new Error(JSON.stringify(outcome));
  return Buffer.from(outcome.answer?.body ?? [])
    .toString()
    .split('\n');
}

test("a command gets a batch as Lambda's event on standard input, and what it is about in its environment", async (t) => {
  using serving = new EventServing(tells);
  const messages = [
    message('m0', '{"a":1}', {
      attempts: 2,
      contentType: 'application/json',
      groupKey: 'g',
      deduplicationKey: 'd',
      attributes: { 'ce-type': 'order' },
    }),
    message('m1', Uint8Array.of(0xff, 0)),
  ];
  const delivery = { kind: 'batch', source: 'a\nb ü', messages } as const;
  const lines = told(await serving.deliver(delivery, TRACEPARENT));
  const input = lines.pop();
  t.deepEqual(lines, ['MAYFLY_TRIGGER=queue', 'MAYFLY_SOURCE=a%0Ab %C3%BC', `TRACEPARENT=${TRACEPARENT}`]);
  t.deepEqual(JSON.parse(input ?? ''), {
    Records: [
      {
        messageId: 'm0',
        body: '{"a":1}',
        attributes: {
          ApproximateReceiveCount: '2',
          SentTimestamp: '1700000000000',
          MessageGroupId: 'g',
          MessageDeduplicationId: 'd',
        },
        messageAttributes: {
          'content-type': { stringValue: 'application/json', dataType: 'String' },
          'ce-type': { stringValue: 'order', dataType: 'String' },
        },
        eventSource: 'mayfly:queue',
        eventSourceARN: 'mayfly:queue:acme/a\nb ü',
      },
      {
        messageId: 'm1',
        body: '/wA=',
        isBase64Encoded: true,
        attributes: { ApproximateReceiveCount: '1', SentTimestamp: '1700000000000' },
        messageAttributes: {
          'content-type': { stringValue: 'application/octet-stream', dataType: 'String' },
        },
        eventSource: 'mayfly:queue',
        eventSourceARN: 'mayfly:queue:acme/a\nb ü',
      },
    ],
  });
});

test('a single event comes as it was sent, with its idempotency key, its attempt and its trace', async (t) => {
  using serving = new EventServing(tells);
  const attributes = { traceparent: TRACEPARENT, 'ce-id': '1\r\n2', 'ce-bad_name': 'x' };
  t.deepEqual(told(await serving.deliver(event('as it came', { attempts: 3, attributes }))), [
    'MAYFLY_TRIGGER=event',
    'MAYFLY_IDEMPOTENCY_KEY=e0',
    'MAYFLY_ATTEMPT=3',
    `TRACEPARENT=${TRACEPARENT}`,
    'CE_ID=1%0D%0A2',
    'as it came',
  ]);
  t.deepEqual(told(await serving.deliver(tick('tock'))), [
    'MAYFLY_TRIGGER=schedule',
    'MAYFLY_SCHEDULE=nightly',
    'MAYFLY_SCHEDULED_AT=2023-11-14T22:14:20.000Z',
    'MAYFLY_IDEMPOTENCY_KEY=t0',
    'MAYFLY_ATTEMPT=1',
    'tock',
  ]);
});

const FAILURES = [{ id: 'm0', detail: 'The function named the message as failed.' }];

const DONE: readonly (readonly [what: string, answer: string, failures: readonly object[]])[] = [
  ['nothing', '', []],
  ['no JSON', 'thanks', []],
  ['another object', '{"ok":true}', []],
  ['a list', '[1]', []],
  ['null', 'null', []],
  ['an empty list of failures', '{"batchItemFailures":[]}', []],
  ['null for a list', '{"batchItemFailures":null}', []],
  ['one failure', '{"batchItemFailures":[{"itemIdentifier":"m0"}]}', FAILURES],
  ['one failure twice', '{"batchItemFailures":[{"itemIdentifier":"m0"},{"itemIdentifier":"m0"}]}', FAILURES],
  ['bytes that are not UTF-8 beside it', '{"batchItemFailures":[{"itemIdentifier":"m0"}],"x":"~"}', FAILURES],
];

for (const [what, answer, failures] of DONE) {
  test(`a batch that is answered with ${what} has ${failures.length} failures`, async (t) => {
    using serving = new EventServing(answers);
    t.like(await serving.deliver(batch(answer, 'second')), { kind: 'returned', failures });
  });
}

const INVALID: readonly (readonly [what: string, answer: string])[] = [
  ['no list', '{"batchItemFailures":{"itemIdentifier":"m0"}}'],
  ['an unknown id', '{"batchItemFailures":[{"itemIdentifier":"m0"},{"itemIdentifier":"m7"}]}'],
  ['an empty id', '{"batchItemFailures":[{"itemIdentifier":""}]}'],
  ['a number for an id', '{"batchItemFailures":[{"itemIdentifier":0}]}'],
  ['a failure without an id', '{"batchItemFailures":[{"id":"m0"}]}'],
  ['null for a failure', '{"batchItemFailures":[null]}'],
];

for (const [what, answer] of INVALID) {
  test(`a batch that is answered with ${what} fails as a whole`, async (t) => {
    using serving = new EventServing(answers);
    t.like(await serving.deliver(batch(answer, 'second')), {
      kind: 'failed',
      cause: { code: 'batch_answer_invalid' },
      isRetryable: true,
    });
  });
}

test('an answer is handed on as it is, and an event whose answer names failures has none', async (t) => {
  using serving = new EventServing(answers);
  const text = '{"batchItemFailures":[{"itemIdentifier":"m7"}]}';
  const outcome = await serving.deliver(event(text));
  if (outcome.kind !== 'returned') return t.fail(JSON.stringify(outcome));
  t.deepEqual(
    [outcome.answer?.contentType, Buffer.from(outcome.answer!.body).toString()],
    ['application/octet-stream', text],
  );
  t.deepEqual(outcome.failures, []);
});

test('an answer that is larger than any message fails the event', async (t) => {
  using serving = new EventServing(
    await artifactOf(
      await cCommand(`
#include <stdio.h>
int main(void) { for (int i = 0; i <= 1 << 20; i++) putchar('x'); return 0; }
`),
    ),
  );
  t.like(await serving.deliver(event('')), { kind: 'failed', cause: { code: 'response_too_large' } });
});

test('a command that ends with another status than 0 has failed', async (t) => {
  using serving = new EventServing(await artifactOf(await cCommand('int main(void) { return 3; }')));
  t.like(await serving.deliver(batch('x')), { kind: 'failed', cause: { code: 'function_failed' } });
});

test('an HTTP handler of 0.2 gets a request', async (t) => {
  using serving = new EventServing(echo);
  const outcome = await serving.deliver(event('said'));
  t.like(outcome, { kind: 'returned', failures: [] });
  t.is(told(outcome)[0], 'said');
});
