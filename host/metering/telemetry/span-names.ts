/** What the semantic conventions call what a span says. Loading the package, 1 MB of constants, takes 35 ms and 13 MB: no serving thread does. */
import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_URL_PATH,
} from '@opentelemetry/semantic-conventions';
import {
  ATTR_FAAS_COLDSTART,
  ATTR_FAAS_INVOCATION_ID,
  ATTR_FAAS_NAME,
  ATTR_FAAS_TRIGGER,
  ATTR_FAAS_VERSION,
  FAAS_TRIGGER_VALUE_HTTP,
  FAAS_TRIGGER_VALUE_OTHER,
  FAAS_TRIGGER_VALUE_PUBSUB,
  FAAS_TRIGGER_VALUE_TIMER,
} from '@opentelemetry/semantic-conventions/incubating';
import type { UsageTrigger } from '../../model/usage-record.ts';

export const FAAS_TRIGGERS: Readonly<Record<UsageTrigger, string>> = {
  http: FAAS_TRIGGER_VALUE_HTTP,
  queue: FAAS_TRIGGER_VALUE_PUBSUB,
  schedule: FAAS_TRIGGER_VALUE_TIMER,
  invoke: FAAS_TRIGGER_VALUE_OTHER,
  async: FAAS_TRIGGER_VALUE_OTHER,
  authorizer: FAAS_TRIGGER_VALUE_OTHER,
  unknown: FAAS_TRIGGER_VALUE_OTHER,
};

export const SPAN_NAMES = {
  name: ATTR_FAAS_NAME,
  version: ATTR_FAAS_VERSION,
  invocationId: ATTR_FAAS_INVOCATION_ID,
  trigger: ATTR_FAAS_TRIGGER,
  triggers: FAAS_TRIGGERS,
  coldStart: ATTR_FAAS_COLDSTART,
  errorType: ATTR_ERROR_TYPE,
  method: ATTR_HTTP_REQUEST_METHOD,
  status: ATTR_HTTP_RESPONSE_STATUS_CODE,
  path: ATTR_URL_PATH,
} as const;
