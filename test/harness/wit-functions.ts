/** Functions of WIT interfaces, by the text of their packages: as much of WIT as the packages of WASI use. */

/** `wasi:io/poll` -> `[method]pollable.block`, `poll`, ...; sorted. `@unstable` ones, too. */
export function witFunctions(wit: string): Map<string, string[]> {
  const text = wit.replace(/\/\/[^\n]*/g, '').replace(/@\w+\([^)]*\)/g, '');
  const packageName = /package ([\w-]+:[\w-]+)/.exec(text)?.[1] ?? '';
  const functions = new Map<string, string[]>();
  for (const [, name, body] of text.matchAll(/^interface ([\w-]+) \{([\s\S]*?)^\}/gm)) {
    const found: string[] = [];
    const rest = body!.replace(
      /resource ([\w-]+) \{([^}]*)\}/g,
      (_all, resource: string, members: string) => {
        if (/\bconstructor\(/.test(members)) found.push(`[constructor]${resource}`);
        for (const [, member, isStatic] of members.matchAll(/%?([\w-]+)\s*:\s*(static )?(?:async )?func\b/g))
          found.push(`[${isStatic === undefined ? 'method' : 'static'}]${resource}.${member}`);
        return '';
      },
    );
    for (const [, free] of rest.matchAll(/%?([\w-]+)\s*:\s*(?:async )?func\b/g)) found.push(free!);
    functions.set(`${packageName}/${name}`, found.sort());
  }
  return functions;
}
