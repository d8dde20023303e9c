import test from 'ava';
import { decimalOf, divideHalfUp, price, scaled } from '../../host/metering/pricing.ts';
import {
  METER_NAMES,
  METERS,
  type Meter,
  type MeteredUse,
  type PriceList,
  priceListSchema,
} from '../../host/model/price-list.ts';
import { isBilled, memoryTimeKiBMs, type UsageRecord } from '../../host/model/usage-record.ts';
import { Random, seedOf } from '../instrument/random.ts';
import { randomRecord } from './random-usage.ts';

const EUR = { code: 'EUR', minorUnitDigits: 2 };
const NOTHING: MeteredUse = { requests: 0n, fuel: 0n, memory: 0n, egress: 0n };

function listOf(prices: PriceList['prices'], currency = EUR): PriceList {
  return priceListSchema.parse({ from: '2026-11', currency, prices });
}

test('a quantity is spread over the steps of its meter, and each step is one rounded line', (t) => {
  const list = listOf({
    requests: [{ upTo: 1_000, price: '0' }, { upTo: 3_000, price: '0.01' }, { price: '0.005' }],
  });
  const { lines, total } = price({ ...NOTHING, requests: 3_501n }, list);
  t.deepEqual(
    lines.map(({ from, upTo, quantity, amount }) => [from, upTo, quantity, amount]),
    [
      [0, 1_000, 1_000n, 0n],
      [1_000, 3_000, 2_000n, 2_000n],
      [3_000, undefined, 501n, 251n],
    ],
    '501 x 0.5 cent is 250.5 cents: halves go up',
  );
  t.is(total, 2_251n);
});

test('units are a request, a million fuel, a GiB-second and a GiB', (t) => {
  const one = [{ price: '1' }];
  const list = listOf({ requests: one, fuel: one, memory: one, egress: one });
  const use = { requests: 1n, fuel: 1_000_000n, memory: 1_048_576n * 1_000n, egress: 1_073_741_824n };
  t.deepEqual(
    price(use, list).lines.map(({ meter, amount }) => [meter, amount]),
    [
      ['requests', 100n],
      ['fuel', 100n],
      ['memory', 100n],
      ['egress', 100n],
    ],
  );
});

test('the smallest price and the largest quantity are exact; a currency without minor units is rounded whole', (t) => {
  const list = listOf({ fuel: [{ price: '0.000000000001' }] }, { code: 'JPY', minorUnitDigits: 0 });
  const use = (fuel: bigint): bigint => price({ ...NOTHING, fuel }, list).total;
  t.is(use(10n ** 18n * 7n), 7n);
  t.is(use(10n ** 18n / 2n), 1n);
  t.is(use(10n ** 18n / 2n - 1n), 0n);
});

test('what has no price is free and has no line that costs', (t) => {
  t.deepEqual(price(NOTHING, listOf({})), { lines: [], total: 0n });
  t.is(price({ ...NOTHING, fuel: 10n ** 20n }, listOf({})).total, 0n);
});

test('decimals are kept digit for digit', (t) => {
  t.is(scaled('1.5', 3), 1_500n);
  t.is(scaled('0.000000000001', 12), 1n);
  t.is(decimalOf(1_234n, 2), '12.34');
  t.is(decimalOf(5n, 2), '0.05');
  t.is(decimalOf(5n, 0), '5');
  t.is(divideHalfUp(1n, 2n), 1n);
  t.is(divideHalfUp(49n, 100n), 0n);
});

test('a price list that could be read in two ways is refused', (t) => {
  const refused = (prices: unknown): boolean =>
    !priceListSchema.safeParse({ from: '2026-11', currency: EUR, prices }).success;
  t.true(refused({ fuel: [] }));
  t.true(refused({ fuel: [{ price: '0', upTo: 5 }] }), 'beyond 5 there is no price');
  t.true(refused({ fuel: [{ price: '0' }, { price: '1' }] }), 'the first step has no end');
  t.true(refused({ fuel: [{ price: '0', upTo: 5 }, { price: '1', upTo: 5 }, { price: '1' }] }));
  t.true(refused({ fuel: [{ price: 0.1 }] }), 'a number is not exact');
  t.true(refused({ fuel: [{ price: '.5' }] }));
  t.true(refused({ cpu: [{ price: '1' }] }));
});

/** Record by record, each filling the steps where the one before it left off, as exact fractions. */
function byHand(records: readonly UsageRecord[], list: PriceList): bigint {
  const filled = { requests: 0n, fuel: 0n, memory: 0n, egress: 0n };
  const exact = new Map<string, bigint>();
  for (const record of records) {
    const amounts: Record<Meter, bigint> = {
      requests: 1n,
      fuel: BigInt(record.fuel),
      memory: BigInt(memoryTimeKiBMs(record)),
      egress: BigInt(record.responseBytes) + BigInt(record.outboundSentBytes),
    };
    for (const meter of METER_NAMES) {
      let left = amounts[meter];
      for (const [i, { upTo, price: unitPrice }] of (list.prices[meter] ?? []).entries()) {
        const end = upTo === undefined ? undefined : BigInt(upTo) * METERS[meter].per;
        const room = end === undefined ? left : end - filled[meter];
        const part = room < left ? room : left;
        if (part <= 0n) continue;
        filled[meter] += part;
        left -= part;
        const key = `${meter} ${i}`;
        exact.set(key, (exact.get(key) ?? 0n) + part * scaled(unitPrice, 12));
      }
    }
  }
  let total = 0n;
  for (const [key, numerator] of exact) {
    const { per } = METERS[key.split(' ')[0] as Meter];
    total += divideHalfUp(numerator * 10n ** BigInt(list.currency.minorUnitDigits), per * 10n ** 12n);
  }
  return total;
}

test('the bill of random records is the sum over them, whatever their order', (t) => {
  const seed = seedOf('MAYFLY_USAGE_SEED');
  t.log(`seed ${seed}: MAYFLY_USAGE_SEED=${seed}`);
  const random = new Random(seed);
  for (let round = 0; round < 20; round++) {
    const records = Array.from({ length: 200 }, () => randomRecord(random)).filter(({ outcome }) =>
      isBilled(outcome),
    );
    const steps = (): PriceList['prices']['fuel'] => {
      const ends = Array.from({ length: random.below(3) }, (_, i) => (i + 1) * (1 + random.below(500)));
      const ascending = ends.filter((end, i) => end > Math.max(0, ...ends.slice(0, i)));
      const digits = (): string => `${random.below(3)}.${String(random.below(1e9)).padStart(12, '0')}`;
      return [...ascending.map((upTo) => ({ upTo, price: digits() })), { price: digits() }];
    };
    const list = listOf(
      { requests: steps(), fuel: steps(), memory: steps(), egress: steps() },
      { code: 'EUR', minorUnitDigits: random.below(7) },
    );
    const use = records.reduce(
      (sum, record) => ({
        requests: sum.requests + 1n,
        fuel: sum.fuel + BigInt(record.fuel),
        memory: sum.memory + BigInt(memoryTimeKiBMs(record)),
        egress: sum.egress + BigInt(record.responseBytes + record.outboundSentBytes),
      }),
      NOTHING,
    );
    const { total, lines } = price(use, list);
    t.is(total, byHand(records, list));
    t.is(total, byHand(records.toReversed(), list));
    for (const meter of METER_NAMES) {
      const sum = lines
        .filter((line) => line.meter === meter)
        .reduce((all, { quantity }) => all + quantity, 0n);
      t.is(sum, use[meter]);
    }
  }
});
