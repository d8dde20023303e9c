/** A message of a batch that is to be tried again, as the function named it. */
export interface ItemFailure {
  readonly id: string;
  readonly detail: string;
}

/** The function named failures in a way that leaves open which messages are done: then none is. */
export class BatchAnswerError extends Error {
  override readonly name = 'BatchAnswerError';
}

/** Longest text of a function that is kept with a message. */
const DETAIL_LENGTH = 500;

export function idsOf(messages: readonly { readonly id: string }[]): ReadonlySet<string> {
  return new Set(messages.map(({ id }) => id));
}

/** @throws BatchAnswerError if no message of the batch has the id */
export function itemFailure(id: unknown, detail: unknown, ids: ReadonlySet<string>): ItemFailure {
  if (typeof id !== 'string') throw new BatchAnswerError(`A failed message is named by ${typeName(id)}.`);
  if (!ids.has(id))
    throw new BatchAnswerError(`No message of the batch has the id ${JSON.stringify(id.slice(0, 64))}.`);
  return {
    id,
    detail:
      typeof detail === 'string' && detail !== ''
        ? detail.slice(0, DETAIL_LENGTH).toWellFormed()
        : 'The function named the message as failed.',
  };
}

function typeName(value: unknown): string {
  return value === null || value === undefined ? 'nothing' : `a value of type ${typeof value}`;
}
