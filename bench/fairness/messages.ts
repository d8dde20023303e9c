/** What passes between the fairness bench and the thread that it loads. */
import type { ArtifactMessage } from '../../host/instance/artifact.ts';

export interface ThreadData {
  /** By the name of the function that runs it; every tenant has all of them. */
  readonly artifacts: Readonly<Record<string, ArtifactMessage>>;
  /** Of the thread's time, by tenant; 1 for those that are not named. */
  readonly weights: Readonly<Record<string, number>>;
}

export type ThreadInput = { readonly kind: 'reset' } | { readonly kind: 'look' } | { readonly kind: 'stop' };

export type ThreadOutput =
  | { readonly kind: 'ready'; readonly httpPort: number; readonly echoPort: number }
  | { readonly kind: 'measured'; readonly measured: Measured };

/** Since the last reset. */
export interface Measured {
  readonly tenants: Readonly<Record<string, TenantMeasured>>;
  /** How late each tick of a 10 ms timer came. */
  readonly tickLateMs: readonly number[];
}

export interface TenantMeasured {
  readonly fuel: number;
  /** Wall-clock milliseconds of each of its slices. */
  readonly sliceMs: readonly number[];
}
