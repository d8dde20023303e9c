import type { CoreFunction, LinkPlan } from '../model/link-plan.ts';

const LINKED: ReadonlySet<CoreFunction['kind']> = new Set(['lower', 'adapter', 'resource.drop']);

/** Why a plan cannot be linked yet, for people; undefined if it can. */
export function whyNotLinked({ coreFunctions, exports, types }: LinkPlan): string | undefined {
  const isAsync =
    coreFunctions.some((made) => !LINKED.has(made.kind) || (made.kind === 'lower' && made.options.isAsync)) ||
    exports.some(({ type, options }) => type.isAsync || options.isAsync) ||
    types.some(({ kind }) => kind === 'stream' || kind === 'future');
  return isAsync ? 'it is asynchronous (WASI 0.3)' : undefined;
}
