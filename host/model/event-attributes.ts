/** Attributes of messages that the host writes and reads itself. */

/** Name of the schedule that a message is a tick of, and the tick in milliseconds since the epoch. */
export const SCHEDULE_ATTRIBUTE = 'mayfly-schedule';
export const SCHEDULED_AT_ATTRIBUTE = 'mayfly-scheduled-at';
/** How many destinations led here, one behind the other; absent where none did. */
export const CHAIN_DEPTH_ATTRIBUTE = 'mayfly-chain-depth';
export const TRACEPARENT_ATTRIBUTE = 'traceparent';
export const TRACESTATE_ATTRIBUTE = 'tracestate';
