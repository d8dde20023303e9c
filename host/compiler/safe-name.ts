import { unsupported } from './refusal.ts';

/**
 * jco writes names of core imports and exports into the JavaScript that it generates, between quotes and
 * without escaping them (`exports0['<name>']`, and the same text inside a double-quoted one). A core name may
 * be any Unicode string, so an upload could close the quote and run its own code in the host. This alphabet is
 * what keeps it from that: printable ASCII without quotes, backslash, backtick and braces (template
 * literals), and no comment end. Compilers name within it: `wasi:io/poll@0.2.0`, `[method]x.y`, `$imports`,
 * `_ZN4core3fmtE`, `cm32p2|a:b/c@1|d`, `~lib/rt/__new`.
 */
const SAFE_NAME = /^[ !#$%&()*+,\-./0-9:;<=>?@A-Z[\]^_a-z|~]*$/;

/** The longest name of a real module seen is under 400 characters. */
const MAX_NAME_LENGTH = 8_192;

/** Throws `component_unsupported` for a name that must not reach generated code. */
export function assertSafeName(name: string): void {
  if (
    name.length > MAX_NAME_LENGTH ||
    !SAFE_NAME.test(name) ||
    name.includes('*/') ||
    // As a key of an object literal it would set the prototype; `*` would stand for all exports.
    name === '__proto__' ||
    name === '*'
  ) {
    throw unsupported(
      `The name ${JSON.stringify(name.slice(0, 80))} of an import or export has characters that this host refuses: ` +
        'names are printable ASCII without quotes, backslashes and braces.',
    );
  }
}

/** Names of the component model: interface names, labels, and `[method]a.b` forms. */
const COMPONENT_NAME = /^[A-Za-z0-9:/@.\-+[\]]+$/;

/** Throws `component_unsupported` for names that are none (URLs, hashes, dependency specifications). */
export function assertComponentName(name: string): void {
  if (name.length > MAX_NAME_LENGTH || !COMPONENT_NAME.test(name)) {
    throw unsupported(
      `The component uses the name ${JSON.stringify(name.slice(0, 80))}; only interface names and plain labels are supported.`,
    );
  }
}
