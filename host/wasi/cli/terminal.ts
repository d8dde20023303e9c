/** `wasi:cli/terminal-*`, the same in 0.2 and 0.3: the types exist, and no stream of a guest is a terminal. */
export class TerminalInput {}
export class TerminalOutput {}

function none(): undefined {
  return undefined;
}

export const TERMINAL_INPUT_IMPORTS = { TerminalInput };
export const TERMINAL_OUTPUT_IMPORTS = { TerminalOutput };
export const TERMINAL_STDIN_IMPORTS = { getTerminalStdin: none };
export const TERMINAL_STDOUT_IMPORTS = { getTerminalStdout: none };
export const TERMINAL_STDERR_IMPORTS = { getTerminalStderr: none };
