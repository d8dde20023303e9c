import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { NO_HEADROOM } from '../../host/instance/rewind/memory-headroom.ts';
import { instrument } from '../../host/instrument/instrument.ts';
import { METER_IMPORTS, METER_MODULE } from '../../host/instrument/meter-imports.ts';

/** Plenty: a test that runs out does so on purpose. */
const PLENTY = 2n ** 52n;

export interface HostOptions {
  readonly fuel?: bigint;
  /** Called at a check that finds no fuel; may raise the counter through `host`. */
  readonly refill?: (host: MeterHost) => void;
  /** What memories and tables may still grow by. */
  readonly pages?: bigint;
  readonly entries?: bigint;
  /** Bytes that objects may take. */
  readonly objectBytes?: bigint;
}

/** The host's side of meter-imports.ts, reduced to what a test looks at. */
export class MeterHost {
  readonly global: WebAssembly.Global<'i64'>;
  readonly objects: WebAssembly.Global<'i64'>;
  readonly calls: string[] = [];
  refills = 0;
  pagesLeft: bigint;
  entriesLeft: bigint;
  readonly #start: bigint;
  #granted = 0n;
  readonly #refill: ((host: MeterHost) => void) | undefined;

  constructor(options: HostOptions = {}) {
    this.#start = options.fuel ?? PLENTY;
    this.global = new WebAssembly.Global({ value: 'i64', mutable: true }, this.#start);
    this.objects = new WebAssembly.Global({ value: 'i64', mutable: true }, options.objectBytes ?? PLENTY);
    this.#refill = options.refill;
    this.pagesLeft = options.pages ?? 100n;
    this.entriesLeft = options.entries ?? 100n;
  }

  /** Charged since the start. */
  get spent(): number {
    return Number(this.#start + this.#granted - this.global.value);
  }

  grant(units: bigint): void {
    this.#granted += units;
    this.global.value += units;
  }

  get imports(): Record<string, WebAssembly.ImportValue> {
    return {
      ...NO_HEADROOM,
      [METER_IMPORTS.fuel]: this.global,
      [METER_IMPORTS.refill]: () => {
        this.refills++;
        this.#refill?.(this);
      },
      [METER_IMPORTS.objects]: this.objects,
      [METER_IMPORTS.reserveObjects]: () => void this.calls.push('reserve-objects'),
      [METER_IMPORTS.reserveMemory]: (pages: bigint) => {
        this.calls.push(`reserve-memory ${pages}`);
        if (pages > this.pagesLeft) return 0;
        this.pagesLeft -= pages;
        return 1;
      },
      [METER_IMPORTS.releaseMemory]: (pages: bigint) => {
        this.calls.push(`release-memory ${pages}`);
        this.pagesLeft += pages;
      },
      [METER_IMPORTS.reserveTable]: (entries: bigint) => {
        this.calls.push(`reserve-table ${entries}`);
        if (entries > this.entriesLeft) return 0;
        this.entriesLeft -= entries;
        return 1;
      },
      [METER_IMPORTS.releaseTable]: (entries: bigint) => {
        this.calls.push(`release-table ${entries}`);
        this.entriesLeft += entries;
      },
    };
  }
}

export type GuestFunction = (...args: unknown[]) => unknown;

export interface Metered {
  readonly host: MeterHost;
  readonly exports: WebAssembly.Exports;
  readonly call: (name: string, ...args: unknown[]) => unknown;
}

/** V8 takes the bytes only if they lie in an unshared buffer, which all of ours do. */
export function compile(bytes: Uint8Array): WebAssembly.Module {
  return new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
}

export function isValid(bytes: Uint8Array): boolean {
  return WebAssembly.validate(bytes as Uint8Array<ArrayBuffer>);
}

export function assemble(wat: string): Promise<Uint8Array> {
  return parse(wat);
}

export function instantiate(bytes: Uint8Array, imports: WebAssembly.Imports = {}): WebAssembly.Exports {
  return new WebAssembly.Instance(compile(bytes), imports).exports;
}

/** Instruments and instantiates a module, which is assembled first if it is a text. */
export async function meter(
  module: string | Uint8Array,
  options: HostOptions = {},
  imports: WebAssembly.Imports = {},
): Promise<Metered> {
  const { bytes } = instrument(typeof module === 'string' ? await assemble(module) : module);
  const host = new MeterHost(options);
  const exports = instantiate(bytes, { ...imports, [METER_MODULE]: host.imports });
  return { host, exports, call: (name, ...args) => (exports[name] as GuestFunction)(...args) };
}
