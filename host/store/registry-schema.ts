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
];
