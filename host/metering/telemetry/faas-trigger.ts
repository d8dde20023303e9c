import {
  FAAS_TRIGGER_VALUE_HTTP,
  FAAS_TRIGGER_VALUE_OTHER,
  FAAS_TRIGGER_VALUE_PUBSUB,
  FAAS_TRIGGER_VALUE_TIMER,
} from '@opentelemetry/semantic-conventions/incubating';
import type { UsageTrigger } from '../../model/usage-record.ts';

/** What the conventions call it. */
export const FAAS_TRIGGERS: Readonly<Record<UsageTrigger, string>> = {
  http: FAAS_TRIGGER_VALUE_HTTP,
  queue: FAAS_TRIGGER_VALUE_PUBSUB,
  schedule: FAAS_TRIGGER_VALUE_TIMER,
  invoke: FAAS_TRIGGER_VALUE_OTHER,
  async: FAAS_TRIGGER_VALUE_OTHER,
  authorizer: FAAS_TRIGGER_VALUE_OTHER,
  unknown: FAAS_TRIGGER_VALUE_OTHER,
};
