/**
 * The tables of the embedded queues. Written for few B-tree entries per message, because they are what a message costs: one in
 * `messages` and one in `available` when it is sent; a claim drops the second, a message that is done the first.
 *
 *   queues         counters and the settings of the last send. `key` is null once it was removed: its rows go in slices
 *   messages       what waits or is in flight, in the order in which it was sent. `due_ms` is 0 where it was never delayed
 *   available      what the next claim takes, oldest first: all that is due and not in flight, but of a group the first alone
 *   delayed        what is not due yet, by its time
 *   claims         one row per claim, however many messages it has: they are what is in neither `available` nor `delayed`
 *   dead_letters   in the order in which they died
 *   deduplication  keys that are recognised, until they expire
 *
 * An entry of `messages` is never far from the edge that it is read or written at, so a backlog of any size needs the same few pages
 * in memory. Message bodies lie last in their rows, and in pages of their own beyond 1 KB, so that looking at the rest does not read them.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE queues (
    id                       INTEGER PRIMARY KEY AUTOINCREMENT,
    key                      TEXT UNIQUE,
    retention_ms             INTEGER NOT NULL,
    deduplication_ms         INTEGER NOT NULL,
    dead_letter_retention_ms INTEGER NOT NULL,
    next_seq                 INTEGER NOT NULL,
    waiting                  INTEGER NOT NULL,
    delayed                  INTEGER NOT NULL,
    dead                     INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE messages (
    queue             INTEGER NOT NULL,
    seq               INTEGER NOT NULL,
    id                TEXT NOT NULL,
    sent_at_ms        INTEGER NOT NULL,
    due_ms            INTEGER NOT NULL,
    attempts          INTEGER NOT NULL,
    group_key         TEXT,
    deduplication_key TEXT,
    deliver_at_ms     INTEGER,
    last_cause        TEXT,
    content_type      TEXT NOT NULL,
    attributes        TEXT NOT NULL,
    body              BLOB NOT NULL,
    PRIMARY KEY (queue, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX messages_of_group ON messages (queue, group_key, seq) WHERE group_key IS NOT NULL;

  CREATE TABLE available (
    queue INTEGER NOT NULL,
    seq   INTEGER NOT NULL,
    PRIMARY KEY (queue, seq)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE delayed (
    queue  INTEGER NOT NULL,
    due_ms INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    PRIMARY KEY (queue, due_ms, seq)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE claims (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    queue         INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    seqs          TEXT NOT NULL
  ) STRICT;
  CREATE INDEX claims_of_queue ON claims (queue);

  CREATE TABLE dead_letters (
    queue             INTEGER NOT NULL,
    seq               INTEGER NOT NULL,
    id                TEXT NOT NULL,
    sent_at_ms        INTEGER NOT NULL,
    dead_at_ms        INTEGER NOT NULL,
    attempts          INTEGER NOT NULL,
    group_key         TEXT,
    deduplication_key TEXT,
    deliver_at_ms     INTEGER,
    last_cause        TEXT,
    cause             TEXT NOT NULL,
    content_type      TEXT NOT NULL,
    attributes        TEXT NOT NULL,
    body              BLOB NOT NULL,
    PRIMARY KEY (queue, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX dead_letters_by_id ON dead_letters (queue, id);

  CREATE TABLE deduplication (
    queue         INTEGER NOT NULL,
    key           TEXT NOT NULL,
    id            TEXT NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    PRIMARY KEY (queue, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX deduplication_by_expiry ON deduplication (expires_at_ms);
  `,
];
