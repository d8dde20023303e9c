/** Migrations of the ledger's file, in order; append only (see store/database.ts). Times are in ms since the epoch. */
import { ROLLUP_LEVELS, ROLLUP_SUMS, type RollupLevel } from '../model/usage-rollup.ts';

/** `memoryTimeKiBMs` -> `memory_time_kib_ms`. */
export function columnOf(name: string): string {
  return name
    .replace('KiB', 'Kib')
    .replace(/[A-Z]/g, (letter) => `_${letter}`)
    .toLowerCase();
}

/** As the files have it: never renumbered. */
export const LEVEL_NUMBERS: Readonly<Record<RollupLevel, number>> = { minute: 1, hour: 2, day: 3, month: 4 };
export const LEVEL_BY_NUMBER: ReadonlyMap<number, RollupLevel> = new Map(
  ROLLUP_LEVELS.map((level) => [LEVEL_NUMBERS[level], level]),
);

/** Of a record, beside its subject. */
export const RECORD_COLUMNS = [
  'invocationId',
  'attempt',
  'trigger',
  'outcome',
  'endedAtMs',
  'fuel',
  'peakMemoryBytes',
  'queueUs',
  'initUs',
  'execUs',
  'start',
  'requestBytes',
  'responseBytes',
  'immediateCalls',
  'waitingCalls',
  'outboundRequests',
  'outboundSentBytes',
  'outboundReceivedBytes',
  'logBytes',
  'batchSize',
] as const;

const TEXT_COLUMNS: ReadonlySet<string> = new Set(['invocationId', 'trigger', 'outcome', 'start']);

const recordColumns = RECORD_COLUMNS.map(
  (name) => `${columnOf(name)} ${TEXT_COLUMNS.has(name) ? 'TEXT' : 'INTEGER'} NOT NULL`,
).join(',\n    ');

const sumColumns = ROLLUP_SUMS.map((name) => `${columnOf(name)} INTEGER NOT NULL`).join(',\n    ');

export const USAGE_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE subjects (
    id           INTEGER PRIMARY KEY,
    tenant       TEXT NOT NULL,
    generation   INTEGER NOT NULL,
    name         TEXT NOT NULL,
    version      INTEGER NOT NULL,
    artifact_key TEXT NOT NULL,
    fuel_model   TEXT NOT NULL,
    UNIQUE (tenant, generation, name, version, artifact_key, fuel_model)
  ) STRICT;

  -- An invocation id and an attempt are in here once, however often they are told of.
  CREATE TABLE records (
    ${recordColumns},
    subject INTEGER NOT NULL REFERENCES subjects (id),
    PRIMARY KEY (invocation_id, attempt)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX records_by_subject ON records (subject, ended_at_ms);

  CREATE TABLE rollups (
    subject  INTEGER NOT NULL REFERENCES subjects (id),
    level    INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    billed   INTEGER NOT NULL,
    peak_memory_bytes INTEGER NOT NULL,
    ${sumColumns},
    PRIMARY KEY (level, subject, start_ms, billed)
  ) STRICT, WITHOUT ROWID;

  -- From when on each level is complete; records are level 0.
  CREATE TABLE kept (
    level   INTEGER PRIMARY KEY,
    from_ms INTEGER NOT NULL
  ) STRICT;
  `,
];
