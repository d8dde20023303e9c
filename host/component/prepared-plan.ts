import type { CanonicalFunction, CanonicalOptions, FunctionType, LinkPlan } from '../model/link-plan.ts';
import { channelCodecs } from './channel-codecs.ts';
import { CodecSet } from './codec-set.ts';
import { type BindHostFunction, bindHostFunction } from './host-function.ts';
import { Signature } from './signature.ts';

/**
 * What all instances that are linked by one plan share: codecs, signatures, the parsed names of imports. None of it knows
 * an instance. Each part is made when it is first asked for; made anew for each of them, it took as long as the rest.
 */
export class PreparedPlan {
  readonly plan: LinkPlan;
  readonly codecs: CodecSet;
  readonly #signatures = new Map<FunctionType, Signature>();
  readonly #hostFunctions = new Map<CanonicalFunction, BindHostFunction>();
  readonly #optionKeys = new Map<CanonicalOptions, string>();

  constructor(plan: LinkPlan) {
    this.plan = plan;
    this.codecs = new CodecSet(plan.types, channelCodecs(plan));
  }

  signature(type: FunctionType): Signature {
    return remember(this.#signatures, type, () => new Signature(type, this.plan, this.codecs));
  }

  hostFunction(lowered: Extract<CanonicalFunction, { kind: 'lower' }>): BindHostFunction {
    return remember(this.#hostFunctions, lowered, () =>
      bindHostFunction(lowered.interface, lowered.name, lowered.type.parameters.length),
    );
  }

  /** The same for options that are served by the same context. */
  contextKey(options: CanonicalOptions): string {
    const { memory, realloc, stringEncoding } = options;
    return remember(this.#optionKeys, options, () => JSON.stringify([memory, realloc, stringEncoding]));
  }
}

function remember<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
