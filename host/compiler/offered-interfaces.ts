/** placeholder until wasi/offered.ts is there */
export const OFFERED_INTERFACES: readonly {
  readonly interface: string;
  readonly versions: readonly ('0.2' | '0.3')[];
}[] = [
  { interface: 'wasi:cli/environment', versions: ['0.2', '0.3'] },
  { interface: 'wasi:cli/exit', versions: ['0.2', '0.3'] },
  { interface: 'wasi:cli/stdin', versions: ['0.2', '0.3'] },
  { interface: 'wasi:cli/stdout', versions: ['0.2', '0.3'] },
  { interface: 'wasi:cli/stderr', versions: ['0.2', '0.3'] },
  { interface: 'wasi:cli/types', versions: ['0.3'] },
  { interface: 'wasi:cli/terminal-input', versions: ['0.2', '0.3'] },
  { interface: 'wasi:cli/terminal-output', versions: ['0.2', '0.3'] },
  { interface: 'wasi:cli/terminal-stdin', versions: ['0.2', '0.3'] },
  { interface: 'wasi:cli/terminal-stdout', versions: ['0.2', '0.3'] },
  { interface: 'wasi:cli/terminal-stderr', versions: ['0.2', '0.3'] },
  { interface: 'wasi:clocks/monotonic-clock', versions: ['0.2', '0.3'] },
  { interface: 'wasi:clocks/wall-clock', versions: ['0.2'] },
  { interface: 'wasi:clocks/system-clock', versions: ['0.3'] },
  { interface: 'wasi:clocks/types', versions: ['0.3'] },
  { interface: 'wasi:filesystem/preopens', versions: ['0.2', '0.3'] },
  { interface: 'wasi:filesystem/types', versions: ['0.2', '0.3'] },
  { interface: 'wasi:http/types', versions: ['0.2', '0.3'] },
  { interface: 'wasi:http/outgoing-handler', versions: ['0.2'] },
  { interface: 'wasi:http/client', versions: ['0.3'] },
  { interface: 'wasi:io/error', versions: ['0.2'] },
  { interface: 'wasi:io/poll', versions: ['0.2'] },
  { interface: 'wasi:io/streams', versions: ['0.2'] },
  { interface: 'wasi:random/random', versions: ['0.2', '0.3'] },
  { interface: 'wasi:random/insecure', versions: ['0.2', '0.3'] },
  { interface: 'wasi:random/insecure-seed', versions: ['0.2', '0.3'] },
];
