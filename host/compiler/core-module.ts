import { MODULE_BOUNDS } from '../instrument/bounds.ts';
import { inspectModule } from '../instrument/inspect.ts';
import { type CoreModuleHeader, readCoreModuleHeader } from './core-module-header.ts';
import type { StructureBudget } from './structure-budget.ts';

/**
 * Checks one core module of an upload, against what the modules before it left of the budget. The heads of its
 * sections come first: they are cheap, and bound what the bodies can ask for.
 */
export function inspectCoreModule(bytes: Uint8Array, budget: StructureBudget): CoreModuleHeader {
  const header = readCoreModuleHeader(bytes, budget);
  const shape = inspectModule(bytes, {
    ...MODULE_BOUNDS,
    localsTotal: budget.left('localsTotal'),
    memories: budget.left('memories'),
    tables: budget.left('tables'),
    tags: budget.left('tags'),
  });
  budget.add('localsTotal', shape.localsTotal);
  budget.add('memories', shape.memories);
  budget.add('tables', shape.tables);
  budget.add('tags', shape.tags);
  return header;
}
