/**
 * Fails the build if the author's module has other handlers than those that the component is built to export: then
 * the build begins again, with these. So a component exports what its module handles, and nothing else.
 */
export function assertHandlers(exported: unknown, built: string): void {
  if (typeof exported === 'function') {
    if (built !== 'fetch') throw new TypeError('MAYFLY_HANDLERS fetch');
    return;
  }
  const methods = Object(exported) as Readonly<Record<string, unknown>>;
  const found = ['fetch', 'queue', 'scheduled'].filter((name) => typeof methods[name] === 'function').join();
  if (found === '') throw new TypeError('MAYFLY_NO_HANDLER');
  if (found !== built) throw new TypeError(`MAYFLY_HANDLERS ${found}`);
}
