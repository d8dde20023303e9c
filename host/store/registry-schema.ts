/** Migrations of the registry's file, in order; append only (see database.ts). */
export const REGISTRY_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE tenants (
    name          TEXT PRIMARY KEY,
    created_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Outlives its function: a number that was ever given to a name is never given again.
  CREATE TABLE version_counters (
    tenant       TEXT NOT NULL REFERENCES tenants (name),
    name         TEXT NOT NULL,
    last_version INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
  ) STRICT, WITHOUT ROWID;

  -- configuration holds only what was set, so that a new default reaches every function that did not choose.
  -- The live version is checked at commit, because a function and its first version name each other.
  CREATE TABLE functions (
    tenant        TEXT NOT NULL REFERENCES tenants (name),
    name          TEXT NOT NULL,
    live_version  INTEGER NOT NULL,
    configuration TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    PRIMARY KEY (tenant, name),
    FOREIGN KEY (tenant, name, live_version) REFERENCES versions (tenant, name, version)
      DEFERRABLE INITIALLY DEFERRED
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE versions (
    tenant        TEXT NOT NULL,
    name          TEXT NOT NULL,
    version       INTEGER NOT NULL CHECK (version >= 1),
    digest        TEXT NOT NULL,
    artifact_key  TEXT NOT NULL,
    handler       TEXT NOT NULL,
    world         TEXT NOT NULL,
    sizes         TEXT NOT NULL,
    steps         TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    PRIMARY KEY (tenant, name, version),
    UNIQUE (tenant, name, artifact_key),
    FOREIGN KEY (tenant, name) REFERENCES functions (tenant, name) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;

  CREATE INDEX versions_by_artifact ON versions (artifact_key);
  `,
  `
  -- settings holds only what was set, like a function's configuration.
  ALTER TABLE tenants ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
  ALTER TABLE tenants ADD COLUMN updated_at_ms INTEGER NOT NULL DEFAULT 0;

  -- hash is the SHA-256 of the whole key. After a rotation the one before it may stay valid for a while.
  CREATE TABLE keys (
    id                TEXT PRIMARY KEY,
    tenant            TEXT NOT NULL REFERENCES tenants (name) ON DELETE CASCADE,
    name              TEXT NOT NULL,
    scopes            TEXT NOT NULL,
    hash              BLOB NOT NULL,
    previous_hash     BLOB,
    previous_until_ms INTEGER,
    expires_at_ms     INTEGER,
    created_at_ms     INTEGER NOT NULL,
    rotated_at_ms     INTEGER,
    last_used_at_ms   INTEGER,
    UNIQUE (tenant, name)
  ) STRICT, WITHOUT ROWID;

  -- The value sealed under a data key of its own, the data key wrapped under the master key that is named.
  CREATE TABLE secrets (
    tenant        TEXT NOT NULL,
    function      TEXT NOT NULL,
    name          TEXT NOT NULL,
    master_key_id TEXT NOT NULL,
    wrapped_key   BLOB NOT NULL,
    sealed        BLOB NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    PRIMARY KEY (tenant, function, name),
    FOREIGN KEY (tenant, function) REFERENCES functions (tenant, name) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;

  -- Names no other table: an entry outlives what it tells of.
  CREATE TABLE audit (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms      INTEGER NOT NULL,
    tenant     TEXT,
    actor_kind TEXT NOT NULL,
    key_id     TEXT,
    address    TEXT,
    action     TEXT NOT NULL,
    target     TEXT NOT NULL,
    before     TEXT,
    after      TEXT
  ) STRICT;
  CREATE INDEX audit_by_tenant ON audit (tenant, id);
  CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  CREATE TRIGGER audit_never_shrinks BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  `,
  `
  -- Which tenant of a name an entry belongs to is asked for often, by routes and by readers.
  CREATE INDEX audit_of_deleted_tenants ON audit (tenant, id) WHERE action = 'tenant.delete';
  `,
  `
  -- Holds only what was set, like the settings of functions.
  CREATE TABLE tenant_quotas (
    tenant TEXT PRIMARY KEY REFERENCES tenants (name) ON DELETE CASCADE,
    quotas TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- What a tenant has used of the quotas that are counted by the month; months since the year 0, UTC.
  CREATE TABLE tenant_months (
    tenant         TEXT NOT NULL REFERENCES tenants (name) ON DELETE CASCADE,
    month          INTEGER NOT NULL,
    fuel           INTEGER NOT NULL,
    outbound_bytes INTEGER NOT NULL,
    PRIMARY KEY (tenant, month)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE quarantines (
    tenant   TEXT NOT NULL,
    name     TEXT NOT NULL,
    version  INTEGER NOT NULL,
    since_ms INTEGER NOT NULL,
    reason   TEXT NOT NULL,
    PRIMARY KEY (tenant, name, version),
    FOREIGN KEY (tenant, name) REFERENCES functions (tenant, name) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- settings holds only what was set, like those of functions. What is in a queue is the engine's, not the registry's.
  CREATE TABLE queues (
    tenant        TEXT NOT NULL REFERENCES tenants (name) ON DELETE CASCADE,
    name          TEXT NOT NULL,
    settings      TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
  ) STRICT, WITHOUT ROWID;

  -- Sealed like the secrets of functions; each of them is valid until it is removed.
  CREATE TABLE signing_secrets (
    tenant        TEXT NOT NULL,
    queue         TEXT NOT NULL,
    id            TEXT NOT NULL,
    master_key_id TEXT NOT NULL,
    wrapped_key   BLOB NOT NULL,
    sealed        BLOB NOT NULL,
    created_at_ms INTEGER NOT NULL,
    PRIMARY KEY (tenant, queue, id),
    FOREIGN KEY (tenant, queue) REFERENCES queues (tenant, name) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;

  -- Queues whose content the engine has still to forget: what a crash, or a store that is away, left behind.
  CREATE TABLE queue_removals (
    tenant TEXT NOT NULL,
    kind   TEXT NOT NULL,
    name   TEXT NOT NULL,
    PRIMARY KEY (tenant, kind, name)
  ) STRICT, WITHOUT ROWID;

  -- Names its function without a foreign key: one whose function is deleted stays, and waits for another of its name.
  CREATE TABLE event_source_mappings (
    tenant        TEXT NOT NULL REFERENCES tenants (name) ON DELETE CASCADE,
    name          TEXT NOT NULL,
    source        TEXT NOT NULL,
    function      TEXT NOT NULL,
    settings      TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE schedules (
    tenant        TEXT NOT NULL REFERENCES tenants (name) ON DELETE CASCADE,
    name          TEXT NOT NULL,
    function      TEXT NOT NULL,
    settings      TEXT NOT NULL,
    last_tick_ms  INTEGER,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE event_invoke_configs (
    tenant   TEXT NOT NULL,
    function TEXT NOT NULL,
    config   TEXT NOT NULL,
    PRIMARY KEY (tenant, function),
    FOREIGN KEY (tenant, function) REFERENCES functions (tenant, name) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Never changed: of two lists for a month the later one holds. Months since the year 0, UTC.
  CREATE TABLE price_lists (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    from_month    INTEGER NOT NULL,
    list          TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE budgets (
    tenant TEXT PRIMARY KEY REFERENCES tenants (name) ON DELETE CASCADE,
    budget TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Thresholds of budgets that were reached, and when whoever is to be told was.
  CREATE TABLE budget_alerts (
    tenant          TEXT NOT NULL REFERENCES budgets (tenant) ON DELETE CASCADE,
    month           INTEGER NOT NULL,
    threshold       INTEGER NOT NULL,
    reached_at_ms   INTEGER NOT NULL,
    delivered_at_ms INTEGER,
    PRIMARY KEY (tenant, month, threshold)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- The oldest entries of a tenant that has very many go (see audit-table.ts): up to which id they went is kept.
  CREATE TABLE audit_trims (
    tenant TEXT PRIMARY KEY,
    up_to  INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  DROP TRIGGER audit_never_shrinks;
  CREATE TRIGGER audit_never_shrinks BEFORE DELETE ON audit
    WHEN NOT EXISTS (SELECT 1 FROM audit_trims WHERE tenant = OLD.tenant AND up_to >= OLD.id)
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  `,
  `
  -- What a tenant has, kept with each change: a sum over its versions took 15 ms of every publish at 10,000 functions.
  CREATE TABLE stored_use (
    tenant    TEXT PRIMARY KEY,
    functions INTEGER NOT NULL DEFAULT 0,
    reserved  INTEGER NOT NULL DEFAULT 0,
    versions  INTEGER NOT NULL DEFAULT 0,
    bytes     INTEGER NOT NULL DEFAULT 0
  ) STRICT, WITHOUT ROWID;
  INSERT INTO stored_use (tenant, functions, reserved)
    SELECT tenant, count(*), sum(coalesce(configuration ->> '$.reservedConcurrency', 0)) FROM functions GROUP BY tenant;
  UPDATE stored_use SET (versions, bytes) = (
    SELECT count(*), coalesce(sum((sizes ->> '$.uploadBytes') + (sizes ->> '$.codeBytes') + (sizes ->> '$.glueBytes')), 0)
    FROM versions WHERE versions.tenant = stored_use.tenant);

  CREATE TRIGGER function_stored AFTER INSERT ON functions BEGIN
    INSERT INTO stored_use (tenant) VALUES (NEW.tenant) ON CONFLICT DO NOTHING;
    UPDATE stored_use SET functions = functions + 1,
      reserved = reserved + coalesce(NEW.configuration ->> '$.reservedConcurrency', 0) WHERE tenant = NEW.tenant;
  END;
  CREATE TRIGGER function_changed AFTER UPDATE OF configuration ON functions BEGIN
    UPDATE stored_use SET reserved = reserved + coalesce(NEW.configuration ->> '$.reservedConcurrency', 0)
      - coalesce(OLD.configuration ->> '$.reservedConcurrency', 0) WHERE tenant = NEW.tenant;
  END;
  CREATE TRIGGER function_removed AFTER DELETE ON functions BEGIN
    UPDATE stored_use SET functions = functions - 1,
      reserved = reserved - coalesce(OLD.configuration ->> '$.reservedConcurrency', 0) WHERE tenant = OLD.tenant;
  END;
  CREATE TRIGGER version_stored AFTER INSERT ON versions BEGIN
    INSERT INTO stored_use (tenant) VALUES (NEW.tenant) ON CONFLICT DO NOTHING;
    UPDATE stored_use SET versions = versions + 1, bytes = bytes
      + (NEW.sizes ->> '$.uploadBytes') + (NEW.sizes ->> '$.codeBytes') + (NEW.sizes ->> '$.glueBytes')
      WHERE tenant = NEW.tenant;
  END;
  CREATE TRIGGER version_removed AFTER DELETE ON versions BEGIN
    UPDATE stored_use SET versions = versions - 1, bytes = bytes
      - (OLD.sizes ->> '$.uploadBytes') - (OLD.sizes ->> '$.codeBytes') - (OLD.sizes ->> '$.glueBytes')
      WHERE tenant = OLD.tenant;
  END;
  `,
  `
  -- Two versions of a function may run on one artifact: an upload that was published before an upgrade and behind it, once the first
  -- is metered again. SQLite drops a UNIQUE with its table alone; rows that name it are looked at when this is committed.
  PRAGMA defer_foreign_keys = ON;
  CREATE TABLE versions_kept AS SELECT * FROM versions;
  DROP TABLE versions;
  CREATE TABLE versions (
    tenant        TEXT NOT NULL,
    name          TEXT NOT NULL,
    version       INTEGER NOT NULL CHECK (version >= 1),
    digest        TEXT NOT NULL,
    artifact_key  TEXT NOT NULL,
    handler       TEXT NOT NULL,
    world         TEXT NOT NULL,
    sizes         TEXT NOT NULL,
    steps         TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    PRIMARY KEY (tenant, name, version),
    FOREIGN KEY (tenant, name) REFERENCES functions (tenant, name) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
  INSERT INTO versions SELECT * FROM versions_kept;
  DROP TABLE versions_kept;
  CREATE INDEX versions_by_artifact ON versions (artifact_key);
  CREATE TRIGGER version_stored AFTER INSERT ON versions BEGIN
    INSERT INTO stored_use (tenant) VALUES (NEW.tenant) ON CONFLICT DO NOTHING;
    UPDATE stored_use SET versions = versions + 1, bytes = bytes
      + (NEW.sizes ->> '$.uploadBytes') + (NEW.sizes ->> '$.codeBytes') + (NEW.sizes ->> '$.glueBytes')
      WHERE tenant = NEW.tenant;
  END;
  CREATE TRIGGER version_removed AFTER DELETE ON versions BEGIN
    UPDATE stored_use SET versions = versions - 1, bytes = bytes
      - (OLD.sizes ->> '$.uploadBytes') - (OLD.sizes ->> '$.codeBytes') - (OLD.sizes ->> '$.glueBytes')
      WHERE tenant = OLD.tenant;
  END;
  `,
];
