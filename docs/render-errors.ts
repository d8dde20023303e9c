/** docs/errors.md, rendered from the table that the host answers from. */
import type { Fault } from '../host/errors/error-entry.ts';
import { ERROR_TABLE, type ErrorCode } from '../host/errors/errors.ts';

const SECTIONS: readonly { readonly fault: Fault; readonly title: string; readonly about: string }[] = [
  { fault: 'caller', title: "The caller's", about: 'Whoever sent the request has to change it.' },
  {
    fault: 'function',
    title: "The function's",
    about: "The function's author has to change it, or its settings.",
  },
  { fault: 'host', title: "The host's", about: 'Try again; if it lasts, it is for the operator.' },
];

const HEADER = `# Errors

Generated from \`host/errors/\` by \`node docs/generate.ts\`; do not edit.

Every error is a problem document (RFC 9457, \`application/problem+json\`) with these members:

| member | meaning |
| --- | --- |
| \`type\` | \`urn:mayfly:error:\` and the code |
| \`title\`, \`status\` | as below |
| \`detail\` | what happened this time |
| \`code\` | stable: never renamed, safe to branch on |
| \`fault\` | who has to act: \`caller\`, \`function\` or \`host\` |
| \`retryable\` | whether the same request can succeed later |
| \`mend\` | what to do about it |
| \`field\` | the offending input, where there is one |
| \`instance\` | the invocation, where there is one |

\`429\` and \`503\` carry \`Retry-After\`.
`;

/** The whole document, ending in a line end. */
export function renderErrorTable(): string {
  return `${HEADER}${SECTIONS.map(renderSection).join('')}`;
}

function renderSection({ fault, title, about }: (typeof SECTIONS)[number]): string {
  const codes = (Object.keys(ERROR_TABLE) as ErrorCode[]).filter((code) => ERROR_TABLE[code].fault === fault);
  const rows = codes.map((code) => {
    const { status, retryable, title: summary, mend } = ERROR_TABLE[code];
    return `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${cell(summary)} | ${cell(mend)} |\n`;
  });
  return `\n## ${title}\n\n${about}\n\n| code | status | retryable | title | mend |\n| --- | --- | --- | --- | --- |\n${rows.join('')}`;
}

/** A bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
