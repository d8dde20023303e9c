/**
 * What was used in the last hour, minute by minute. After the first time only the minutes that may still grow are asked
 * for: a record is in the ledger within a second of its invocation's end.
 */

/** @import { Api } from './api.js' */
/** @import { UsageRollupJson } from '../../control-plane/usage-schemas.ts' */

const MINUTE_MS = 60_000;
export const WINDOW_MINUTES = 60;

/** A function in the window. @typedef {{ tenant: string, function: string } & Sums} FunctionUse */
/** @typedef {{ invocations: number, failures: number, coldStarts: number, fuel: number, memoryTimeKiBMs: number }} Sums */

/** @returns {Sums} */
export const noUse = () => ({ invocations: 0, failures: 0, coldStarts: 0, fuel: 0, memoryTimeKiBMs: 0 });

/**
 * @param {Sums} sums
 * @param {UsageRollupJson} row
 */
export function addUse(sums, row) {
  for (const name of /** @type {(keyof Sums)[]} */ (Object.keys(noUse()))) sums[name] += Number(row[name]);
}

export class UsageWindow {
  #api;
  #path;
  #query;
  /** @type {Map<string, UsageRollupJson>} */
  #rows = new Map();
  /** @type {{ atMs: number } | undefined} */
  #last;
  /** Invocations a second since the load before, undefined at first. @type {number | undefined} */
  rateNow;

  /**
   * @param {Api} api
   * @param {string} path
   * @param {Record<string, string>} query
   */
  constructor(api, path, query = {}) {
    this.#api = api;
    this.#path = path;
    this.#query = query;
  }

  /** @param {AbortSignal} signal */
  async load(signal) {
    const nowMs = Date.now();
    const beginMs = this.beginMs(nowMs);
    const fromMs = this.#last === undefined ? beginMs : Math.max(beginMs, this.#last.atMs - 2 * MINUTE_MS);
    const query = { ...this.#query, level: 'minute', from: new Date(fromMs).toISOString() };
    const rows = await this.#api.rollups(this.#path, query, signal);
    const grown = this.#take(rows);
    if (this.#last !== undefined) this.rateNow = (1_000 * grown) / Math.max(1, nowMs - this.#last.atMs);
    this.#last = { atMs: nowMs };
    for (const [key, row] of this.#rows) if (Date.parse(row.start) < beginMs) this.#rows.delete(key);
    return this;
  }

  beginMs(nowMs = Date.now()) {
    return Math.floor(nowMs / MINUTE_MS) * MINUTE_MS - (WINDOW_MINUTES - 1) * MINUTE_MS;
  }

  /** Over all of it. */
  total() {
    const sums = noUse();
    for (const row of this.#rows.values()) addUse(sums, row);
    return sums;
  }

  /** For each minute: when it began, in seconds, and what was used in it. */
  minutes() {
    const beginMs = this.beginMs();
    const minutes = Array.from({ length: WINDOW_MINUTES }, (_, index) => ({
      at: (beginMs + index * MINUTE_MS) / 1_000,
      ...noUse(),
    }));
    for (const row of this.#rows.values()) {
      const minute = minutes[(Date.parse(row.start) - beginMs) / MINUTE_MS];
      if (minute !== undefined) addUse(minute, row);
    }
    return minutes;
  }

  /** The busiest first. @returns {FunctionUse[]} */
  functions() {
    /** @type {Map<string, FunctionUse>} */
    const found = new Map();
    for (const row of this.#rows.values()) {
      const key = `${row.tenant}/${row.function}`;
      const use = found.get(key) ?? { tenant: row.tenant, function: row.function, ...noUse() };
      addUse(use, row);
      found.set(key, use);
    }
    return [...found.values()].sort((a, b) => b.invocations - a.invocations);
  }

  /** @param {readonly UsageRollupJson[]} rows */
  #take(rows) {
    let grown = 0;
    for (const row of rows) {
      const { tenant, generation, function: name, version, artifact, fuelModel, billed, start } = row;
      const key = [tenant, generation, name, version, artifact, fuelModel, billed, start].join(' ');
      grown += Number(row.invocations) - Number(this.#rows.get(key)?.invocations ?? 0);
      this.#rows.set(key, row);
    }
    return grown;
  }
}
