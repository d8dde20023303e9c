/** Holds the tables of the embedded queues against each other, counting what the engine never counts. For a file that nobody has open. */
import { DatabaseSync } from 'node:sqlite';

/** Each gives a row for what is wrong. */
const COMPLAINTS: Readonly<Record<string, string>> = {
  'counters differ from the tables': `
    SELECT q.key, q.waiting, q.delayed, q.dead FROM queues q
    WHERE q.key IS NOT NULL AND (
      q.waiting <> (SELECT count(*) FROM messages WHERE queue = q.id)
        - (SELECT count(*) FROM claims c, json_each(c.seqs) WHERE c.queue = q.id)
      OR q.delayed <> (SELECT count(*) FROM delayed WHERE queue = q.id)
      OR q.dead <> (SELECT count(*) FROM dead_letters WHERE queue = q.id))`,
  'a message of two places, or of a place without a message': `
    SELECT p.queue, p.seq, count(*), m.seq FROM (
      SELECT queue, seq FROM available
      UNION ALL SELECT queue, seq FROM delayed
      UNION ALL SELECT c.queue, s.value FROM claims c, json_each(c.seqs) s) p
    LEFT JOIN messages m ON m.queue = p.queue AND m.seq = p.seq
    GROUP BY p.queue, p.seq HAVING count(*) > 1 OR m.seq IS NULL`,
  'a message without a group that is nowhere': `
    SELECT m.queue, m.seq FROM messages m
    WHERE m.group_key IS NULL
      AND NOT EXISTS (SELECT 1 FROM available a WHERE a.queue = m.queue AND a.seq = m.seq)
      AND NOT EXISTS (SELECT 1 FROM delayed d WHERE d.queue = m.queue AND d.seq = m.seq)
      AND NOT EXISTS (SELECT 1 FROM claims c, json_each(c.seqs) s WHERE c.queue = m.queue AND s.value = m.seq)`,
  'a group that is stuck, or out of order': `
    WITH flying AS (SELECT DISTINCT m.queue, m.group_key FROM claims c, json_each(c.seqs) s
        JOIN messages m ON m.queue = c.queue AND m.seq = s.value WHERE m.group_key IS NOT NULL),
      heads AS (SELECT queue, group_key, min(seq) AS seq FROM messages WHERE group_key IS NOT NULL GROUP BY 1, 2)
    SELECT h.queue, h.group_key, h.seq FROM heads h
    WHERE (SELECT count(*) FROM available a JOIN messages m USING (queue, seq)
            WHERE a.queue = h.queue AND m.group_key = h.group_key AND a.seq <> h.seq) > 0
      OR (EXISTS (SELECT 1 FROM available a WHERE a.queue = h.queue AND a.seq = h.seq)
        + EXISTS (SELECT 1 FROM delayed d WHERE d.queue = h.queue AND d.seq = h.seq)
        + EXISTS (SELECT 1 FROM flying f WHERE f.queue = h.queue AND f.group_key = h.group_key)) = 0
      OR (EXISTS (SELECT 1 FROM available a WHERE a.queue = h.queue AND a.seq = h.seq)
        + EXISTS (SELECT 1 FROM flying f WHERE f.queue = h.queue AND f.group_key = h.group_key)) = 2`,
  'rows of a queue that there is not': `
    SELECT queue FROM messages WHERE queue NOT IN (SELECT id FROM queues)
    UNION SELECT queue FROM dead_letters WHERE queue NOT IN (SELECT id FROM queues)
    UNION SELECT queue FROM deduplication WHERE queue NOT IN (SELECT id FROM queues)
    UNION SELECT queue FROM claims WHERE queue NOT IN (SELECT id FROM queues)`,
  'damage in the file': `SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'`,
};

/** Empty where all is well. */
export function auditQueues(path: string): string[] {
  using database = new DatabaseSync(path);
  return Object.entries(COMPLAINTS).flatMap(([complaint, sql]) => {
    const row = database.prepare(sql).get();
    return row === undefined ? [] : [`${complaint}: ${JSON.stringify(row)}`];
  });
}
