/**
 * For each alert that ships: series on which it fires, and the nearest ones on which it does not. In promtool's notation:
 * `0+2x9` is 0, 2, 4, ... 18, a minute between two.
 */
export interface AlertCase {
  readonly fires: Readonly<Record<string, string>>;
  readonly quiet: readonly Readonly<Record<string, string>>[];
  /** When it is looked at. */
  readonly at: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly description?: string;
}

const INSTANCE = { instance: 'h:1' };
const FUNCTION = { mayfly_tenant: 'acme', faas_name: 'shop' };
const IN_SHOP = 'mayfly_tenant="acme",faas_name="shop"';
const QUEUE = { mayfly_tenant: 'acme', mayfly_queue: 'orders' };
const IN_ORDERS = 'mayfly_tenant="acme",mayfly_queue="orders"';
const page = { severity: 'page' };
const ticket = { severity: 'ticket' };

/** A histogram of so many observations a minute: up to a second, and beyond it. */
function waits(short: number, long: number): Record<string, string> {
  const bucket = (le: string): string =>
    `mayfly_queue_duration_seconds_bucket{instance="h:1",${IN_SHOP},le="${le}"}`;
  return {
    [bucket('1')]: `0+${short}x40`,
    [bucket('3')]: `0+${short + long}x40`,
    [bucket('+Inf')]: `0+${short + long}x40`,
  };
}

const failing = (errors: number, fault = 'function'): Record<string, string> => ({
  [`faas_errors_total{${IN_SHOP},error_type="function_trapped",mayfly_fault="${fault}"}`]: `0+${errors}x40`,
  [`faas_invoke_duration_seconds_count{${IN_SHOP}}`]: '0+100x40',
});

const hostFaults = (perMinute: number, fault = 'host'): Record<string, string> => ({
  [`faas_errors_total{instance="h:1",error_type="internal_error",mayfly_fault="${fault}"}`]: `0+${perMinute}x40`,
});

const refusals = (perMinute: number): Record<string, string> => ({
  [`mayfly_refusals_total{mayfly_tenant="acme",error_type="too_many_requests"}`]: `0+${perMinute}x40`,
});

const spans = (type: string): Record<string, string> => ({
  [`otel_sdk_processor_span_processed_total{instance="h:1",error_type="${type}"}`]: '0+10x20',
});

export const ALERT_CASES: Readonly<Record<string, AlertCase>> = {
  MayflyDown: {
    fires: { 'up{job="mayfly",instance="h:1"}': '0x5' },
    quiet: [{ 'up{job="mayfly",instance="h:1"}': '1 1 1 1 0' }, { 'up{job="other",instance="h:1"}': '0x5' }],
    at: '4m',
    labels: { ...page, ...INSTANCE, job: 'mayfly' },
    summary: 'h:1 does not answer',
  },
  MayflyThreadLost: {
    fires: { 'mayfly_threads_lost_total{instance="h:1"}': '0x14 1x10' },
    quiet: [
      { 'mayfly_threads_lost_total{instance="h:1"}': '3x8' },
      // It was long ago.
      { 'mayfly_threads_lost_total{instance="h:1"}': '0 1x30' },
    ],
    at: '20m',
    labels: { ...page, ...INSTANCE },
    summary: 'A serving thread of h:1 ended unasked',
    description:
      'The invocations that it ran are lost. The log of the functions says which; one that does it again is quarantined.',
  },
  MayflyHostFaults: {
    fires: hostFaults(60),
    quiet: [hostFaults(5), hostFaults(60, 'function')],
    at: '20m',
    labels: { ...page, ...INSTANCE, error_type: 'internal_error' },
    summary: 'h:1 fails invocations by its own fault: internal_error',
  },
  MayflyLedgerLags: {
    fires: { 'mayfly_ledger_pending{instance="h:1"}': '60000x5' },
    quiet: [
      { 'mayfly_ledger_pending{instance="h:1"}': '50000x5' },
      { 'mayfly_ledger_pending{instance="h:1"}': '0 0 0 60000x2' },
    ],
    at: '4m',
    labels: { ...page, ...INSTANCE },
    summary: '60000 usage records of h:1 are not on the disk',
    description:
      'What is not written is on no bill. A full or slow disk is the usual cause; the log of the host names it.',
  },
  MayflyFunctionFails: {
    fires: failing(20),
    quiet: [failing(10), failing(20, 'caller')],
    at: '35m',
    labels: { ...ticket, ...FUNCTION },
    summary: '20% of the invocations of acme/shop fail',
  },
  MayflyFunctionTimesOut: {
    fires: { [`faas_timeouts_total{${IN_SHOP}}`]: '0+2x20' },
    quiet: [
      { [`faas_timeouts_total{${IN_SHOP}}`]: '0+1x20' },
      { [`faas_timeouts_total{${IN_SHOP}}`]: '90x20' },
    ],
    at: '15m',
    labels: { ...ticket, ...FUNCTION },
    summary: 'acme/shop runs out of time',
  },
  MayflyRefusals: {
    fires: refusals(120),
    quiet: [refusals(60)],
    at: '35m',
    labels: { ...ticket, mayfly_tenant: 'acme', error_type: 'too_many_requests' },
    summary: 'Calls of acme get no place: too_many_requests',
  },
  MayflyWaits: {
    fires: waits(50, 50),
    quiet: [waits(100, 0), waits(199, 1)],
    at: '35m',
    labels: { ...ticket, ...INSTANCE },
    summary: 'One in a hundred invocations of h:1 waits 2.96s before it begins',
  },
  MayflyDeadLetters: {
    fires: { [`mayfly_queue_messages{${IN_ORDERS},mayfly_message_state="dead"}`]: '3x10' },
    quiet: [
      { [`mayfly_queue_messages{${IN_ORDERS},mayfly_message_state="dead"}`]: '0x10' },
      { [`mayfly_queue_messages{${IN_ORDERS},mayfly_message_state="ready"}`]: '3x10' },
    ],
    at: '8m',
    labels: { ...ticket, ...QUEUE },
    summary: '3 dead letters in acme/orders',
  },
  MayflyQueueLags: {
    fires: { [`mayfly_queue_oldest_age_seconds{${IN_ORDERS}}`]: '1000x10' },
    quiet: [{ [`mayfly_queue_oldest_age_seconds{${IN_ORDERS}}`]: '900x10' }],
    at: '8m',
    labels: { ...ticket, ...QUEUE },
    summary: 'The oldest message in acme/orders is 16m 40s old',
  },
  MayflyBackupOld: {
    fires: { 'mayfly_backup_age_seconds{instance="h:1"}': '130000+60x20' },
    // A day old, with a night that took long.
    quiet: [{ 'mayfly_backup_age_seconds{instance="h:1"}': '120000+60x20' }],
    at: '15m',
    labels: { ...ticket, ...INSTANCE },
    summary: 'The latest backup of h:1 is 1d 12h 21m 40s old',
  },
  MayflyRemeteringFailed: {
    fires: { 'mayfly_remetering_artifacts{instance="h:1",mayfly_remetering_state="failed"}': '2x20' },
    quiet: [
      { 'mayfly_remetering_artifacts{instance="h:1",mayfly_remetering_state="failed"}': '0x20' },
      { 'mayfly_remetering_artifacts{instance="h:1",mayfly_remetering_state="waiting"}': '2x20' },
    ],
    at: '15m',
    labels: { ...ticket, ...INSTANCE, mayfly_remetering_state: 'failed' },
    summary: '2 artifacts of h:1 run as an older release metered them',
  },
  MayflySeriesFolded: {
    fires: { 'mayfly_telemetry_folded_total{instance="h:1"}': '0 5x10' },
    quiet: [{ 'mayfly_telemetry_folded_total{instance="h:1"}': '5x10' }],
    at: '8m',
    labels: { ...ticket, ...INSTANCE },
    summary:
      'Functions of h:1 are counted together: there are more than MAYFLY_METRICS_TENANTS or MAYFLY_METRICS_FUNCTIONS',
  },
  MayflySpansDropped: {
    fires: spans('queue_full'),
    quiet: [spans('')],
    at: '15m',
    labels: { ...ticket, ...INSTANCE },
    summary: '100 spans of h:1 were not sent: the receiver is slow or gone',
  },
};
