/** What a handler built by the SDK imports for its trace, where a test runs it without Mayfly's host: nobody traces. */
const nothing = (): void => {};

export const UNTRACED_IMPORTS = {
  'wasi:otel/tracing': {
    currentSpanContext: () => ({
      traceId: '0'.repeat(32),
      spanId: '0'.repeat(16),
      traceFlags: { sampled: false },
      isRemote: false,
      traceState: [],
    }),
    onStart: nothing,
    onEnd: nothing,
  },
  'mayfly:telemetry/invocation': { setAttributes: nothing },
} as const;
