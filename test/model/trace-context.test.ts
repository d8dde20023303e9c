import test from 'ava';
import { parseTraceContext, traceparentOf } from '../../host/model/trace-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

test('what W3C calls valid is read, and written as it was', (t) => {
  const sampled = parseTraceContext(`00-${TRACE}-${SPAN}-01`);
  t.deepEqual(sampled, { traceId: TRACE, spanId: SPAN, isSampled: true });
  t.is(traceparentOf(sampled!), `00-${TRACE}-${SPAN}-01`);
  t.false(parseTraceContext(`00-${TRACE}-${SPAN}-00`)?.isSampled);
  // Other flags are for later versions; only the first bit says anything.
  t.true(parseTraceContext(`00-${TRACE}-${SPAN}-ff`)?.isSampled);
  t.is(parseTraceContext(`01-${TRACE}-${SPAN}-01-more`)?.traceId, TRACE);
});

test('everything else begins a new trace, and its tracestate is dropped with it', (t) => {
  const malformed = [
    undefined,
    '',
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE}-${SPAN}`,
    ` 00-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
  ];
  for (const text of malformed) t.is(parseTraceContext(text, 'a=b'), undefined, text);
});

test('a tracestate comes along up to 512 characters', (t) => {
  const parse = (state: string) => parseTraceContext(`00-${TRACE}-${SPAN}-01`, state)?.tracestate;
  t.is(parse('a=b'), 'a=b');
  t.is(parse('x'.repeat(512)), 'x'.repeat(512));
  t.is(parse('x'.repeat(513)), undefined);
  t.is(parse(''), undefined);
});
