/** Migrations of the ledger's file, in order; append only (see store/database.ts). Times are in ms since the epoch. */
import { HOST_CALL_COLUMNS } from '../model/host-call-kind.ts';
import { ROLLUP_LEVELS, type RollupLevel } from '../model/usage-rollup.ts';

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
  ...HOST_CALL_COLUMNS,
  'outboundRequests',
  'outboundSentBytes',
  'outboundReceivedBytes',
  'logBytes',
  'batchSize',
] as const;

/** Written out, so that a list that grows changes none of them. */
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
    invocation_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    trigger TEXT NOT NULL,
    outcome TEXT NOT NULL,
    ended_at_ms INTEGER NOT NULL,
    fuel INTEGER NOT NULL,
    peak_memory_bytes INTEGER NOT NULL,
    queue_us INTEGER NOT NULL,
    init_us INTEGER NOT NULL,
    exec_us INTEGER NOT NULL,
    start TEXT NOT NULL,
    request_bytes INTEGER NOT NULL,
    response_bytes INTEGER NOT NULL,
    immediate_calls INTEGER NOT NULL,
    waiting_calls INTEGER NOT NULL,
    outbound_requests INTEGER NOT NULL,
    outbound_sent_bytes INTEGER NOT NULL,
    outbound_received_bytes INTEGER NOT NULL,
    log_bytes INTEGER NOT NULL,
    batch_size INTEGER NOT NULL,
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
    invocations INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    cold_starts INTEGER NOT NULL,
    fuel INTEGER NOT NULL,
    memory_time_kib_ms INTEGER NOT NULL,
    queue_us INTEGER NOT NULL,
    init_us INTEGER NOT NULL,
    exec_us INTEGER NOT NULL,
    request_bytes INTEGER NOT NULL,
    response_bytes INTEGER NOT NULL,
    egress_bytes INTEGER NOT NULL,
    immediate_calls INTEGER NOT NULL,
    waiting_calls INTEGER NOT NULL,
    outbound_requests INTEGER NOT NULL,
    outbound_sent_bytes INTEGER NOT NULL,
    outbound_received_bytes INTEGER NOT NULL,
    log_bytes INTEGER NOT NULL,
    PRIMARY KEY (level, subject, start_ms, billed)
  ) STRICT, WITHOUT ROWID;

  -- From when on each level is complete; records are level 0.
  CREATE TABLE kept (
    level   INTEGER PRIMARY KEY,
    from_ms INTEGER NOT NULL
  ) STRICT;
  `,
  `
  ALTER TABLE records ADD COLUMN component_calls INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE records ADD COLUMN cli_calls INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE records ADD COLUMN clocks_calls INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE records ADD COLUMN filesystem_calls INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE records ADD COLUMN http_calls INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE records ADD COLUMN io_calls INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE records ADD COLUMN random_calls INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE records ADD COLUMN sockets_calls INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE records ADD COLUMN other_calls INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE rollups ADD COLUMN component_calls INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE rollups ADD COLUMN cli_calls INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE rollups ADD COLUMN clocks_calls INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE rollups ADD COLUMN filesystem_calls INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE rollups ADD COLUMN http_calls INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE rollups ADD COLUMN io_calls INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE rollups ADD COLUMN random_calls INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE rollups ADD COLUMN sockets_calls INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE rollups ADD COLUMN other_calls INTEGER NOT NULL DEFAULT 0;
  `,
];
