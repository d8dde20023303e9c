/** The URL of a process or thread entry in this folder: TypeScript in development, JavaScript once built. */
export function entryUrl(name: string): URL {
  return new URL(`./${name}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
}
