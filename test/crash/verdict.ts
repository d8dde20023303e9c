/** Compares what was accepted with what was handled. Pure. */
import type { Handled } from './recorder.ts';

export interface Verdict {
  readonly accepted: number;
  readonly handled: number;
  /** Accepted and never handled. Must be 0. */
  readonly lost: number;
  /** Handled under an id that nobody was given, or two ids for one text. Must be 0. */
  readonly foreign: number;
  /** Messages of a group that were handled before one that was sent earlier. Must be 0. */
  readonly outOfOrder: number;
  /** Messages that were handled again, each repetition counted. */
  readonly duplicates: number;
  /** Of those, what was repeated although its host had not died in between. Must be 0. */
  readonly unexplained: number;
  /** Batches of which something was repeated later, in the life of one host at most. Must not exceed the batches in flight. */
  readonly repeatedBatchesPerKill: number;
}

export interface Accepted {
  /** Id to text. */
  readonly texts: ReadonlyMap<string, string>;
}

export function judge({ texts }: Accepted, batches: readonly Handled[]): Verdict {
  const idOfText = new Map<string, string>();
  /** Index of the last batch that had a message. */
  const lastSeen = new Map<string, number>();
  /** How far each group has come. */
  const reached = new Map<string, number>();
  const repeated = new Set<number>();
  let foreign = 0;
  let outOfOrder = 0;
  let duplicates = 0;
  let unexplained = 0;
  for (const [index, { life, messages }] of batches.entries()) {
    for (const { id, text } of messages) {
      const before = lastSeen.get(id);
      lastSeen.set(id, index);
      if (before !== undefined) {
        duplicates++;
        repeated.add(before);
        if (batches[before]!.life === life) unexplained++;
      } else {
        if (texts.get(id) !== text || idOfText.has(text)) foreign++;
        idOfText.set(text, id);
      }
      const { group, number } = parse(text);
      if (group === undefined) continue;
      const next = (reached.get(group) ?? -1) + 1;
      // A repetition goes on from an earlier number; nothing is passed over.
      if (number > next || (before === undefined && number < next)) outOfOrder++;
      reached.set(group, number);
    }
  }
  const lives = new Map<number, number>();
  for (const index of repeated) {
    const { life } = batches[index]!;
    lives.set(life, (lives.get(life) ?? 0) + 1);
  }
  const lost = [...texts.keys()].filter((id) => !lastSeen.has(id)).length;
  return {
    accepted: texts.size,
    handled: lastSeen.size,
    lost,
    foreign,
    outOfOrder,
    duplicates,
    unexplained,
    repeatedBatchesPerKill: Math.max(0, ...lives.values()),
  };
}

function parse(text: string): { readonly group: string | undefined; readonly number: number } {
  const [name = '', number] = text.split(' ');
  return { group: name.startsWith('-') ? undefined : name, number: Number(number) };
}
