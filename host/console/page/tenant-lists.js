/** Lists of one kind, of each of some tenants, as one. */
import { element } from './element.js';

/** Tenants that are asked; the operator of more looks at one of them at a time. */
const MOST_TENANTS = 50;

/**
 * @template Row
 * @param {() => Promise<readonly string[]>} tenants
 * @param {(tenant: string) => Promise<Row[]>} ask
 */
export async function ofTenants(tenants, ask) {
  const names = await tenants();
  const found = (await Promise.all(names.slice(0, MOST_TENANTS).map(ask))).flat();
  const left = names.length - MOST_TENANTS;
  const more =
    left > 0
      ? element('p', { class: 'muted' }, `Those of ${left} more tenants are on their pages.`)
      : undefined;
  return { found, more };
}
