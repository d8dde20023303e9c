import type { ErrorCode } from '../errors/errors.ts';
import type { LogRecord } from '../model/log-record.ts';
import { traceparentOf } from '../model/trace-context.ts';
import { LineSink, LogBudget } from '../wasi/cli/log-sink.ts';
import type { Clock, OutboundHttp, WasiContext } from '../wasi/context.ts';
import type { EndFlag } from '../wasi/ending.ts';
import { CountedOutbound, NO_OUTBOUND_USE, type OutboundUse } from '../wasi/http/counted-outbound.ts';
import type { FieldsBudget } from '../wasi/http/fields-budget.ts';
import { tracedOutbound } from '../wasi/http/traced-outbound.ts';
import { EMPTY_SOURCE } from '../wasi/io/buffer-source.ts';
import type { ByteSink, ByteSource } from '../wasi/io/bytes.ts';
import type { Handles } from '../wasi/io/handles.ts';
import type { EndSignal } from './end-signal.ts';
import type { InvocationOptions } from './invocation-options.ts';
import { CommandOutput, cgiVariables } from './serve-command.ts';

/** What an invocation does for its context. */
export interface InvocationPorts {
  readonly clock: Clock;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly end: EndSignal;
  log(source: LogRecord['source'], level: LogRecord['level'], message: string): void;
  chargeFuel(fuel: number): void;
  /** Ends it; gives the error to throw. */
  terminate(code: ErrorCode, detail: string): Error;
}

/** What the imports of one invocation reach. Few guests log or read their environment: that is made when it is asked for. */
export class InvocationContext implements WasiContext {
  readonly clock: Clock;
  readonly randomBytes: (length: number) => Uint8Array;
  fieldsBudget: FieldsBudget | undefined = undefined;
  handles: Handles | undefined = undefined;
  readonly #options: InvocationOptions;
  readonly #ports: InvocationPorts;
  #outbound: CountedOutbound | undefined;
  #logBudget: LogBudget | undefined;
  #stdout: ByteSink | undefined;
  #stderr: LineSink | undefined;
  readonly #lines: LineSink[] = [];

  constructor(options: InvocationOptions, ports: InvocationPorts) {
    this.#options = options;
    this.#ports = ports;
    this.clock = ports.clock;
    this.randomBytes = ports.randomBytes;
  }

  get outbound(): OutboundHttp {
    if (this.#outbound === undefined) {
      const { outbound, trace } = this.#options;
      this.#outbound = new CountedOutbound(trace === undefined ? outbound : tracedOutbound(outbound, trace));
    }
    return this.#outbound;
  }

  get trace(): WasiContext['trace'] {
    return this.#options.trace;
  }

  chargeFuel(fuel: number): void {
    this.#ports.chargeFuel(fuel);
  }

  /** What it has done of outbound HTTP. */
  get outboundUse(): OutboundUse {
    return this.#outbound ?? NO_OUTBOUND_USE;
  }

  get configuration(): WasiContext['configuration'] {
    return this.#options.live.configuration;
  }

  get environment(): WasiContext['environment'] {
    const { exchange, scriptName, variables = [] } = this.#options;
    return [
      ...Object.entries(this.configuration.environment),
      ...(this.#isCommand ? variables : []),
      ...(this.#isCommand && this.#isHttp ? cgiVariables(exchange, scriptName) : []),
      ...this.#traceVariables,
    ];
  }

  /** As OpenTelemetry's propagation through the environment has it; only commands are told nothing else. */
  get #traceVariables(): [string, string][] {
    const { trace, variables: given = [] } = this.#options;
    if (trace === undefined || !this.#isCommand) return [];
    // Of an event they are among what its trigger adds.
    if (given.some(([name]) => name === 'TRACEPARENT')) return [];
    const { tracestate } = trace.context;
    const variables: [string, string][] = [['TRACEPARENT', traceparentOf(trace.context)]];
    if (tracestate !== undefined) variables.push(['TRACESTATE', tracestate]);
    return variables;
  }

  get args(): readonly string[] {
    return [this.#options.live.name];
  }

  get stdin(): ByteSource {
    return this.#isCommand ? this.#options.exchange.body : EMPTY_SOURCE;
  }

  get stdout(): ByteSink {
    this.#stdout ??= this.#isCommand
      ? new CommandOutput(this.#options.exchange, this.#isHttp)
      : this.#logLines('stdout', 'info');
    return this.#stdout;
  }

  get stderr(): ByteSink {
    this.#stderr ??= this.#logLines('stderr', 'warn');
    return this.#stderr;
  }

  get end(): EndFlag {
    return this.#ports.end;
  }

  get signal(): AbortSignal {
    return this.#ports.end.signal;
  }

  terminate(code: ErrorCode, detail: string): Error {
    return this.#ports.terminate(code, detail);
  }

  /** Bytes that it has logged. */
  get logBytes(): number {
    return this.#logBudget?.used ?? 0;
  }

  /** Gives out a last line that has no line feed. Idempotent. */
  endLines(): void {
    for (const sink of this.#lines) sink.end();
  }

  get #isCommand(): boolean {
    return this.#options.event === undefined && this.#options.live.handler === 'wasi:cli/run@0.2';
  }

  get #isHttp(): boolean {
    return this.#options.trigger === 'http';
  }

  #logLines(source: 'stdout' | 'stderr', level: 'info' | 'warn'): LineSink {
    const { logBytes } = this.configuration;
    this.#logBudget ??= new LogBudget(logBytes);
    const sink = new LineSink({
      budget: this.#logBudget,
      onLine: (message) => this.#ports.log(source, level, message),
      onExceeded: () =>
        this.terminate('log_limit_exceeded', `The log of one invocation is capped at ${logBytes} bytes.`),
    });
    this.#lines.push(sink);
    return sink;
  }
}
