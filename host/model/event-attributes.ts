/** Attributes of messages that the host writes and reads itself. */

/** Of a tick: the name of its schedule, its time in milliseconds since the epoch, and the expression where it is cron's. */
export const SCHEDULE_ATTRIBUTE = 'mayfly-schedule';
export const SCHEDULED_AT_ATTRIBUTE = 'mayfly-scheduled-at';
export const CRON_ATTRIBUTE = 'mayfly-cron';
/** How many destinations led here, one behind the other; absent where none did. */
export const CHAIN_DEPTH_ATTRIBUTE = 'mayfly-chain-depth';
export const TRACEPARENT_ATTRIBUTE = 'traceparent';
export const TRACESTATE_ATTRIBUTE = 'tracestate';
