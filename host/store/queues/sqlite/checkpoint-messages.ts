/** What the main thread and the checkpointing thread say to each other. */
export interface CheckpointThreadData {
  readonly path: string;
  /** Of the database file, for syncs beside SQLite's own. */
  readonly fd: number;
}

export type ToCheckpointThread = { readonly kind: 'pass' } | { readonly kind: 'end' };

export type FromCheckpointThread =
  /** What was in the log when the pass began is in the database file, and on the disk. */
  | { readonly kind: 'passed' }
  /** `errcode` is SQLite's; undefined where it was not SQLite that failed. */
  | { readonly kind: 'failed'; readonly message: string; readonly errcode: number | undefined };
