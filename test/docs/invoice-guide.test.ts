/** The figures of docs/from-call-to-invoice.md: those of a call are a host's, and the bill follows from them. */
import { readFile } from 'node:fs/promises';
import test from 'ava';
import { invoiceText } from '../../guest-sdk/cli/commands/invoice.ts';
import { invoiceJson } from '../../host/control-plane/billing-views.ts';
import { invoiceOf } from '../../host/metering/invoice.ts';
import { monthOfText, priceListSchema } from '../../host/model/price-list.ts';
import { memoryTimeKiBMs } from '../../host/model/usage-record.ts';
import { betweenLooks } from '../harness/between-looks.ts';
import { exampleComponent } from '../harness/guests.ts';
import { testHost } from '../harness/host.ts';
import { Operator } from '../harness/operator.ts';

const guide = await readFile(new URL('../../docs/from-call-to-invoice.md', import.meta.url), 'utf8');

/** The only place where it says so, as its parts. */
function said(pattern: RegExp): string[] {
  const found = [...guide.matchAll(new RegExp(pattern, `${pattern.flags}g`))];
  if (found.length !== 1) throw new Error(`${pattern} is there ${found.length} times`);
  return found[0]!.slice(1);
}

const numbers = (text: string): number[] =>
  (text.match(/\d[\d,]*/g) ?? []).map((number) => Number(number.replaceAll(',', '')));

/** Of its first call. */
function firstCall() {
  const [fuel = 0, memoryTime = 0, bytesOut = 0] = said(
    /^\S+ +hello +1 +http +returned +([\d,]+) +([\d,]+) +([\d,]+) /m,
  ).flatMap(numbers);
  const [model = ''] = said(/the fuel was counted by \(`([^`]+)`\)/);
  const [peakMemoryBytes, initUs, execUs, immediateCalls, waitingCalls, httpCalls, ioCalls, componentCalls] =
    said(
      /, ([\d,]+) bytes of memory at the most,\s+([\d,]+) µs [^,]+ ([\d,]+) µs [^,]+, (\d+) calls [^,]+ and (\d+) that may\s+wait \((\d+) of `wasi:http`, (\d+) of `wasi:io`, (\d+) canonical/,
    ).flatMap(numbers) as [number, number, number, number, number, number, number, number];
  return {
    ofEveryCall: {
      fuel,
      fuelModel: model,
      peakMemoryBytes,
      responseBytes: bytesOut,
      immediateCalls,
      waitingCalls,
      httpCalls,
      ioCalls,
      componentCalls,
    },
    memoryTime,
    times: { peakMemoryBytes, initUs, execUs },
  };
}

test('a call of the smallest example uses what the page says', async (t) => {
  const { ofEveryCall, memoryTime, times } = firstCall();
  t.is(memoryTimeKiBMs(times), memoryTime);
  const host = await testHost(t, { env: { MAYFLY_THREADS: '1' } });
  const operator = new Operator(host);
  await operator.deploy('default', 'hello', await exampleComponent('tiny-wat'));
  const answer = await operator.call('default', 'hello');
  t.is(Number(answer.headers['mayfly-fuel']), ofEveryCall.fuel);
  for (;;) {
    const { json } = await operator.api('GET', '/tenants/default/usage?level=record');
    if (json.rows.length > 0) {
      t.like(json.rows[0], { ...ofEveryCall, requestBytes: 0 });
      break;
    }
    await betweenLooks();
  }
});

test('the bill of five such calls, and what is computed by hand, is what they come to', (t) => {
  const { fuel, responseBytes } = firstCall().ofEveryCall;
  const times = numbers(said(/five such calls, which took ([\d, and]+) KiB x ms/)[0]!);
  t.is(times.length, 5);
  t.is(times[0], firstCall().memoryTime);
  const list = priceListSchema.parse(JSON.parse(said(/cat prices\.json\n(\{.*?^\})$/ms)[0]!));
  const memory = times.reduce((sum, time) => sum + time, 0);
  const month = monthOfText('2026-11');
  const invoice = invoiceJson(
    invoiceOf(
      { tenant: 'acme' as never, generation: 0, month },
      [
        {
          name: 'hello',
          version: 1,
          invocations: 5n,
          fuel: BigInt(5 * fuel),
          memoryTimeKiBMs: BigInt(memory),
          egressBytes: BigInt(5 * responseBytes),
        },
      ],
      { id: 1, list, createdAtMs: 0 },
      false,
    ),
  );
  t.is(said(/mayfly invoice --tenant acme --month 2026-11\n(.*?)\n```/s)[0], invoiceText(invoice));

  const [, , fuelLine, memoryLine, egressLine] = invoice.lines;
  const amounts = invoice.lines.map(({ amount }) => amount);
  const grouped = (number: number): string => number.toLocaleString('en-US');
  for (const line of [
    `- Requests: 5, of which 2 are in the free step. 3 x 0.0003 = **${amounts[1]}**.`,
    `- Fuel: 5 x ${grouped(fuel)} = ${grouped(5 * fuel)}. x ${fuelLine?.price} / 1,000,000 = ${((5 * fuel * 0.02) / 1e6).toFixed(7)}, to four digits **${amounts[2]}**.`,
    `- Memory x time: ${times.map(grouped).join(' + ')} = ${grouped(memory)}. x ${memoryLine?.price} / 1,048,576,000 = ${((memory * 0.00002) / 1_048_576_000).toFixed(10)}, **${amounts[3]}**.`,
    `- Bytes out: 5 x ${responseBytes} = ${5 * responseBytes}. x ${egressLine?.price} / 1,073,741,824 = ${((5 * responseBytes * 0.08) / 2 ** 30).toFixed(8)}, **${amounts[4]}**.`,
    `- Total: ${amounts[1]} + ${amounts[2]} = **${invoice.total}**.`,
    `acme, 2026-11: ${invoice.total} EUR`,
    `recomputed from its records: ${invoice.total} EUR`,
  ])
    t.true(guide.includes(line), line);
});
