/** Price lists, in the registry's file. They are never changed or removed: what a month was billed by stays there to be seen. */
import { MayflyError } from '../errors/errors.ts';
import { type Actor, THE_HOST } from '../model/actor.ts';
import { monthOfText, type PriceList, type StoredPriceList } from '../model/price-list.ts';
import { monthOf } from '../model/tenant-quotas.ts';
import type { AuditTable } from './audit-table.ts';
import type { RegistryDatabase } from './registry-database.ts';

type Row = Readonly<Record<string, unknown>>;

export class PriceTable {
  readonly #database: RegistryDatabase;
  readonly #audit: AuditTable;
  readonly #listeners = new Set<() => void>();

  constructor(database: RegistryDatabase, audit: AuditTable) {
    this.#database = database;
    this.#audit = audit;
  }

  /** Tells `listener` of every list that was added, once it is durable. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @throws MayflyError invalid_request for a month that is over: its bill stays what it is */
  add(list: PriceList, nowMs: number, actor: Actor = THE_HOST): StoredPriceList {
    const month = monthOfText(list.from);
    if (month < monthOf(nowMs)) {
      throw new MayflyError('invalid_request', `${list.from} is over; its bills stay what they are.`, {
        field: 'from',
      });
    }
    const stored = this.#database.change(() => {
      const before = this.of(month)?.list;
      const row = this.#database
        .sql('INSERT INTO price_lists (from_month, list, created_at_ms) VALUES (?, ?, ?) RETURNING id')
        .get(month, JSON.stringify(list), nowMs);
      const id = Number(row?.['id']);
      this.#audit.append(
        {
          tenant: null,
          actor,
          action: 'prices.set',
          target: String(id),
          ...(before === undefined ? {} : { before }),
          after: list,
        },
        nowMs,
      );
      return { id, list, createdAtMs: nowMs };
    });
    for (const listener of this.#listeners) listener();
    return stored;
  }

  /** The list that holds for a month (since the year 0, UTC). */
  of(month: number): StoredPriceList | undefined {
    const row = this.#database
      .sql('SELECT * FROM price_lists WHERE from_month <= ? ORDER BY from_month DESC, id DESC LIMIT 1')
      .get(month);
    return row && toPriceList(row);
  }

  /** All that were ever set, the latest first. */
  list(): StoredPriceList[] {
    return this.#database.sql('SELECT * FROM price_lists ORDER BY id DESC').all().map(toPriceList);
  }
}

function toPriceList(row: Row): StoredPriceList {
  return {
    id: row['id'] as number,
    list: JSON.parse(row['list'] as string) as PriceList,
    createdAtMs: row['created_at_ms'] as number,
  };
}
