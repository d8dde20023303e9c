/** How instances of a function come about, and what becomes of them after an invocation. */
export interface InstanceFacts {
  /** Linked by the plan that publishing made, or by jco's glue. */
  readonly road: 'linked' | 'glue';
  /** How an instance is put back for the next invocation; `fresh`: it is not, each one gets its own. */
  readonly rewind: 'pagemap' | 'madvise' | 'copy' | 'fresh';
  /** Why it is not a better one, for people; null where it is the best there is. */
  readonly reason: string | null;
}
