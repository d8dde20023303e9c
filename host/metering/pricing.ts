/**
 * Quantities to money, in integers only.
 *
 * A line is one step of one meter: quantity x price, exact as a fraction, rounded once, to the nearest minor unit of the
 * currency, halves up. The total is the sum of the lines. So what a bill says follows from the sums of its month, whatever
 * order or grouping the records came in, and is off by at most half a minor unit for each line.
 */
import {
  METER_NAMES,
  METERS,
  type Meter,
  type MeteredUse,
  PRICE_DIGITS,
  type PriceList,
} from '../model/price-list.ts';

export interface PricedLine {
  readonly meter: Meter;
  /** Of the priced unit: beyond which the step begins, and where it ends; the last has no end. */
  readonly from: number;
  readonly upTo: number | undefined;
  /** In the ledger's units. */
  readonly quantity: bigint;
  /** Decimal, of one priced unit. */
  readonly price: string;
  /** In minor units of the currency. */
  readonly amount: bigint;
}

export interface PricedUse {
  readonly lines: readonly PricedLine[];
  /** In minor units of the currency. */
  readonly total: bigint;
}

/** Steps that nothing falls into have no line. */
export function price(use: MeteredUse, { currency, prices }: PriceList): PricedUse {
  const lines = METER_NAMES.flatMap((meter) => {
    const steps = prices[meter] ?? [{ price: '0' }];
    let from = 0;
    return steps.flatMap(({ upTo, price: unitPrice }): PricedLine[] => {
      const begin = from;
      from = upTo ?? from;
      const quantity = within(
        use[meter],
        BigInt(begin) * METERS[meter].per,
        upTo === undefined ? undefined : BigInt(upTo) * METERS[meter].per,
      );
      if (quantity === 0n) return [];
      const amount = toMinorUnits(quantity, unitPrice, METERS[meter].per, currency.minorUnitDigits);
      return [{ meter, from: begin, upTo, quantity, price: unitPrice, amount }];
    });
  });
  return { lines, total: lines.reduce((sum, { amount }) => sum + amount, 0n) };
}

/** How much of `quantity` lies beyond `from` and not beyond `to`. */
function within(quantity: bigint, from: bigint, to: bigint | undefined): bigint {
  const end = to === undefined || quantity < to ? quantity : to;
  return end > from ? end - from : 0n;
}

function toMinorUnits(quantity: bigint, unitPrice: string, per: bigint, minorUnitDigits: number): bigint {
  const numerator = quantity * scaled(unitPrice, PRICE_DIGITS) * 10n ** BigInt(minorUnitDigits);
  return divideHalfUp(numerator, per * 10n ** BigInt(PRICE_DIGITS));
}

/** Of numbers that are not negative. */
export function divideHalfUp(numerator: bigint, denominator: bigint): bigint {
  return (2n * numerator + denominator) / (2n * denominator);
}

/** A decimal as a whole number of its last digit: `1.5` with 3 digits is 1500. It has no more digits than that. */
export function scaled(decimal: string, digits: number): bigint {
  const [whole = '0', fraction = ''] = decimal.split('.');
  return BigInt(whole + fraction.padEnd(digits, '0').slice(0, digits));
}

/** 1234 with 2 digits is `12.34`. */
export function decimalOf(amount: bigint, digits: number): string {
  if (digits === 0) return amount.toString();
  const text = amount.toString().padStart(digits + 1, '0');
  return `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}
