/**
 * Every metric of a host: what it says, its unit (UCUM) and its attributes. docs/telemetry.md is rendered from this table. Names of
 * `faas.*` and their meaning are those of OpenTelemetry's semantic conventions for functions; the rest is in our own namespace.
 */
import { ATTR_ERROR_TYPE } from '@opentelemetry/semantic-conventions';
import {
  ATTR_FAAS_NAME,
  ATTR_FAAS_TRIGGER,
  METRIC_FAAS_COLDSTARTS,
  METRIC_FAAS_ERRORS,
  METRIC_FAAS_INIT_DURATION,
  METRIC_FAAS_INVOCATIONS,
  METRIC_FAAS_INVOKE_DURATION,
  METRIC_FAAS_MEM_USAGE,
  METRIC_FAAS_NET_IO,
  METRIC_FAAS_TIMEOUTS,
} from '@opentelemetry/semantic-conventions/incubating';
import { DURATION_BOUNDS } from './duration-buckets.ts';
import { ATTR_FAULT, ATTR_TENANT } from './invocation-attributes.ts';

export const ATTR_SLOT_STATE = 'mayfly.slot.state';
export const ATTR_REMETERING_STATE = 'mayfly.remetering.state';
export const ATTR_QUEUE = 'mayfly.queue';
export const ATTR_MESSAGE_STATE = 'mayfly.message.state';

export interface MetricDefinition {
  readonly kind: 'counter' | 'histogram' | 'gauge';
  readonly unit: string;
  readonly about: string;
  readonly attributes: readonly string[];
  /** Upper bounds of a histogram's buckets. */
  readonly bounds?: readonly number[];
}

const FUNCTION = [ATTR_TENANT, ATTR_FAAS_NAME, ATTR_FAAS_TRIGGER] as const;

const MEMORY = [2 ** 16, 2 ** 18, 2 ** 20, 2 ** 22, 2 ** 24, 2 ** 26, 2 ** 28, 2 ** 30] as const;
const TRAFFIC = [0, 2 ** 8, 2 ** 10, 2 ** 12, 2 ** 14, 2 ** 16, 2 ** 20, 2 ** 24, 2 ** 28] as const;

export const METRICS = {
  [METRIC_FAAS_INVOKE_DURATION]: {
    kind: 'histogram',
    unit: 's',
    about:
      'From when its instance was there until an invocation settled: wall-clock time, waiting for others included.',
    attributes: FUNCTION,
    bounds: DURATION_BOUNDS,
  },
  [METRIC_FAAS_INIT_DURATION]: {
    kind: 'histogram',
    unit: 's',
    about: 'How long an instance took to make that was made while its caller waited.',
    attributes: FUNCTION,
    bounds: DURATION_BOUNDS,
  },
  'mayfly.queue_duration': {
    kind: 'histogram',
    unit: 's',
    about: 'From the arrival of a request, or of an event on its thread, until its turn came.',
    attributes: FUNCTION,
    bounds: DURATION_BOUNDS,
  },
  [METRIC_FAAS_MEM_USAGE]: {
    kind: 'histogram',
    unit: 'By',
    about: 'Linear memory of an instance at its largest, and what structs and arrays took.',
    attributes: FUNCTION,
    bounds: MEMORY,
  },
  [METRIC_FAAS_NET_IO]: {
    kind: 'histogram',
    unit: 'By',
    about: 'Bodies of an invocation over the network: request, answer, and what it sent and received itself.',
    attributes: FUNCTION,
    bounds: TRAFFIC,
  },
  [METRIC_FAAS_INVOCATIONS]: {
    kind: 'counter',
    unit: '{invocation}',
    about: 'Invocations that returned. With errors and timeouts: every usage record.',
    attributes: FUNCTION,
  },
  [METRIC_FAAS_ERRORS]: {
    kind: 'counter',
    unit: '{error}',
    about: 'Invocations that ended otherwise, by the code of the error; timeouts have a metric of their own.',
    attributes: [...FUNCTION, ATTR_ERROR_TYPE, ATTR_FAULT],
  },
  [METRIC_FAAS_TIMEOUTS]: {
    kind: 'counter',
    unit: '{timeout}',
    about: 'Invocations that ran out of time.',
    attributes: FUNCTION,
  },
  [METRIC_FAAS_COLDSTARTS]: {
    kind: 'counter',
    unit: '{coldstart}',
    about: 'Invocations whose instance was made while their caller waited.',
    attributes: FUNCTION,
  },
  'mayfly.fuel': {
    kind: 'counter',
    unit: '{fuel}',
    about: 'Executed instructions, the same on every machine. It is no time: there is no faas.cpu_usage.',
    attributes: FUNCTION,
  },
  'mayfly.memory_time': {
    kind: 'counter',
    unit: 'By.s',
    about:
      'Memory at its largest x the time for which the instance was held, which a bill counts in KiB x ms.',
    attributes: FUNCTION,
  },
  'mayfly.egress': {
    kind: 'counter',
    unit: 'By',
    about: 'Bodies that left the host: answers, and requests that guests sent.',
    attributes: FUNCTION,
  },
  'mayfly.refusals': {
    kind: 'counter',
    unit: '{call}',
    about:
      'Calls that got no place: over a quota or a budget, no room, quarantined. They leave no usage record.',
    attributes: [ATTR_TENANT, ATTR_FAAS_NAME, ATTR_ERROR_TYPE],
  },
  'mayfly.telemetry.folded': {
    kind: 'counter',
    unit: '{record}',
    about: 'Usage records and refusals that were counted under `_other`, for want of a series of their own.',
    attributes: [],
  },
  'mayfly.telemetry.series': {
    kind: 'gauge',
    unit: '{function}',
    about: 'Functions that have series of their own.',
    attributes: [],
  },
  'mayfly.threads.lost': {
    kind: 'counter',
    unit: '{thread}',
    about: 'Serving threads that ended unasked, and were replaced.',
    attributes: [],
  },
  'mayfly.threads.hung': {
    kind: 'counter',
    unit: '{thread}',
    about:
      'Of them, threads that a guest kept without coming to a check of its fuel, and that were ended for it.',
    attributes: [],
  },
  'mayfly.ledger.pending': {
    kind: 'gauge',
    unit: '{record}',
    about: 'Usage records that have reached the main thread and are not in the ledger yet.',
    attributes: [],
  },
  'mayfly.slots': {
    kind: 'gauge',
    unit: '{slot}',
    about: 'Reusable instances over all threads: idle ones lie ready, busy ones run or are put back.',
    attributes: [ATTR_SLOT_STATE],
  },
  'mayfly.slots.memory': {
    kind: 'gauge',
    unit: 'By',
    about: 'What idle slots take, over all threads.',
    attributes: [],
  },
  'mayfly.queue.messages': {
    kind: 'gauge',
    unit: '{message}',
    about: 'Messages of a queue, by where they are; `dead` ones are dead letters.',
    attributes: [ATTR_TENANT, ATTR_QUEUE, ATTR_MESSAGE_STATE],
  },
  'mayfly.queue.oldest_age': {
    kind: 'gauge',
    unit: 's',
    about: 'How long ago the oldest message was sent that is neither in flight nor dead.',
    attributes: [ATTR_TENANT, ATTR_QUEUE],
  },
  'mayfly.backup.age': {
    kind: 'gauge',
    unit: 's',
    about:
      'How long ago the latest whole backup was begun that is in the data folder; nothing where there is none.',
    attributes: [],
  },
  'mayfly.remetering.artifacts': {
    kind: 'gauge',
    unit: '{artifact}',
    about:
      'What older releases published and runs as they metered it: `waiting` is metered again, `failed` could not be.',
    attributes: [ATTR_REMETERING_STATE],
  },
  'mayfly.consumers': {
    kind: 'gauge',
    unit: '{consumer}',
    about: 'Consumers of queues and streams that run on this host.',
    attributes: [],
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

export type MetricName = keyof typeof METRICS;
