/**
 * Whether a message is for a mapping's function. As Lambda does for SQS: a pattern that asks for fields of the body wants a body that is a
 * JSON object or array, one that lists values for the body itself wants a text that is none; what is not as wanted does not match.
 *
 * A list in the message matches if one of its elements does; all fields that are asked of objects in a list have to be of one
 * object.
 */
import type { QueueMessage } from '../model/queue-message.ts';
import type { FilterPattern, PatternNode, Scalar } from './filter-pattern.ts';

/** `too-costly`: the message has lists so long that the patterns would take more than {@link STEPS}. */
export type FilterVerdict = 'match' | 'no-match' | 'too-costly';

/**
 * Comparisons per message: enough to compare each element of any list that fits into one with exact values, and 20 to 70 ms of the main thread
 * on a busy machine. 4,096 characters of pattern can have 250 rules, each of which half a million elements would be asked about. Texts count
 * by their length as well.
 */
const STEPS = 600_000;
const CHARACTERS_PER_STEP = 256;
/** Lists in lists; each is a frame of the stack. */
const LIST_NESTING = 100;

class TooCostly extends Error {}

export function matchFilters(filters: readonly FilterPattern[], message: QueueMessage): FilterVerdict {
  if (filters.length === 0) return 'match';
  const event = new FilteredEvent(message);
  const evaluation = new Evaluation();
  try {
    return filters.some(({ root }) => evaluation.matchesMessage(root, event)) ? 'match' : 'no-match';
  } catch (error) {
    if (error instanceof TooCostly) return 'too-costly';
    throw error;
  }
}

/** A message as patterns see it; its body is read when the first of them asks. */
class FilteredEvent {
  readonly #message: QueueMessage;
  #text: string | undefined;
  #json: { readonly value: unknown } | undefined;

  constructor(message: QueueMessage) {
    this.#message = message;
  }

  /** @param wants fields of a JSON body, or the text */
  field(name: string, wants: PatternNode['kind']): unknown {
    const { attributes, contentType, groupKey, id } = this.#message;
    switch (name) {
      case 'body':
        return wants === 'fields' ? this.#structure() : this.#plainText();
      case 'attributes':
        return attributes;
      case 'contentType':
        return contentType;
      case 'groupKey':
        return groupKey;
      default:
        return id;
    }
  }

  /** The JSON object or array, or {@link NOTHING}. */
  #structure(): unknown {
    this.#text ??= new TextDecoder().decode(this.#message.body);
    this.#json ??= { value: structureOf(this.#text) };
    return this.#json.value;
  }

  #plainText(): unknown {
    return this.#structure() === NOTHING ? this.#text : NOTHING;
  }
}

/** Matches nothing, not even the rule that a field is absent. */
const NOTHING = Symbol('nothing');

function structureOf(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return NOTHING;
  try {
    return JSON.parse(text);
  } catch {
    return NOTHING;
  }
}

class Evaluation {
  #steps = STEPS;

  /** The root asks for fields of the message itself, which are read as they are wanted. */
  matchesMessage(node: PatternNode, event: FilteredEvent): boolean {
    if (node.kind === 'values') return false;
    return (
      node.fields.every(([name, child]) => this.#matches(child, event.field(name, child.kind))) &&
      node.alternatives.every((patterns) => patterns.some((pattern) => this.matchesMessage(pattern, event)))
    );
  }

  #matches(node: PatternNode, value: unknown, nesting = 0): boolean {
    if (value === NOTHING) return false;
    this.#step(1);
    // An empty list has nothing of what is asked for, like a field that is not there.
    if (Array.isArray(value) && value.length > 0) {
      if (nesting >= LIST_NESTING) throw new TooCostly();
      return value.some((element) => this.#matches(node, element, nesting + 1));
    }
    return node.kind === 'fields' ? this.#matchesFields(node, value) : this.#matchesValues(node, value);
  }

  #matchesFields(node: PatternNode & { kind: 'fields' }, value: unknown): boolean {
    return (
      node.fields.every(([name, child]) => this.#matches(child, ownField(value, name))) &&
      node.alternatives.every((patterns) => patterns.some((pattern) => this.#matches(pattern, value)))
    );
  }

  #matchesValues(node: PatternNode & { kind: 'values' }, value: unknown): boolean {
    if (!isLeaf(value)) return node.ifAbsent;
    if (node.ifPresent || node.exact.has(value)) return true;
    return node.tests.some((test) => {
      this.#step(typeof value === 'string' ? 1 + value.length / CHARACTERS_PER_STEP : 1);
      return test(value);
    });
  }

  #step(cost: number): void {
    this.#steps -= cost;
    if (this.#steps < 0) throw new TooCostly();
  }
}

/** What the event's own author has written, never what objects inherit. */
function ownField(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

function isLeaf(value: unknown): value is Scalar {
  return value !== undefined && (typeof value !== 'object' || value === null);
}
