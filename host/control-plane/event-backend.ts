/** What the routes of queues, event source mappings and schedules need of the main thread; see backend.ts. */
import type { ConsumerStatus } from '../model/consumer-status.ts';
import type { EventInvokeConfig, EventInvokeConfigPatch } from '../model/event-invoke-config.ts';
import type { EventSource, EventSourceMapping, MappingSettingsPatch } from '../model/event-source-mapping.ts';
import type {
  FunctionName,
  MappingName,
  MessageId,
  QueueName,
  ScheduleName,
  TenantName,
} from '../model/ids.ts';
import type { Queue, QueueId, QueueSettingsPatch } from '../model/queue.ts';
import type {
  DeadLetter,
  MessageState,
  NewMessage,
  QueueCounts,
  QueueMessage,
  SentMessage,
  SourceCounts,
} from '../model/queue-message.ts';
import type { Schedule, ScheduleExpression, ScheduleSettingsPatch } from '../model/schedule.ts';
import type { SigningSecretListing } from '../store/signing-secret-table.ts';
import type { Change, FunctionReference, TenantReference } from './references.ts';

export interface QueueReference {
  readonly tenant: TenantName;
  readonly queue: QueueName;
}

export interface QueueDescription {
  readonly queue: Queue;
  /** Undefined where the store of the queues does not answer. */
  readonly counts: QueueCounts | undefined;
}

export interface MessagePageReply {
  readonly messages: readonly (QueueMessage | DeadLetter)[];
  /** Where the next page begins, if there may be one. */
  readonly next?: string;
}

/** A queue of a tenant, or the event queue of a function. */
export interface AnyQueue {
  readonly id: QueueId;
}

export interface QueueBackend {
  /** tenant_not_found, event_quota_exceeded, queue_unavailable where an earlier queue of the name has still to be forgotten. */
  putQueue(
    request: QueueReference & Change & { readonly settings: QueueSettingsPatch },
  ): Promise<{ readonly queue: Queue; readonly created: boolean }>;
  /** tenant_not_found, queue_not_found. */
  describeQueue(request: QueueReference): Promise<QueueDescription>;
  /** By name; tenant_not_found. */
  listQueues(request: TenantReference): Promise<QueueDescription[]>;
  /** tenant_not_found, queue_not_found. */
  configureQueue(
    request: QueueReference & Change & { readonly settings: QueueSettingsPatch },
  ): Promise<QueueDescription>;
  /** tenant_not_found, queue_not_found, queue_in_use. */
  removeQueue(request: QueueReference & Change): Promise<void>;
  /** Durable when it resolves. tenant_not_found, queue_not_found, queue_full, queue_unavailable. */
  sendMessages(
    request: QueueReference & { readonly messages: readonly NewMessage[] },
  ): Promise<readonly SentMessage[]>;
  /** `secret` is made where none is given; shown this once. tenant_not_found, queue_not_found, secrets_unavailable, invalid_request. */
  addSigningSecret(
    request: QueueReference & Change & { readonly secret?: string },
  ): Promise<SigningSecretListing & { readonly secret: string }>;
  /** tenant_not_found, queue_not_found. */
  listSigningSecrets(request: QueueReference): Promise<SigningSecretListing[]>;
  /** tenant_not_found, queue_not_found, signing_secret_not_found. */
  removeSigningSecret(request: QueueReference & Change & { readonly id: string }): Promise<void>;
  /** For whoever checks a signature: none where there is no such queue, or it has no ingress. secrets_unavailable. */
  signingSecrets(request: QueueReference): Promise<readonly string[]>;
}

/** What waits in queues, those of functions included. tenant_not_found, queue_not_found, queue_unavailable. */
export interface MessageBackend {
  peekMessages(
    request: AnyQueue & { readonly state: MessageState; readonly limit: number; readonly after?: string },
  ): Promise<MessagePageReply>;
  /** How many. */
  purgeMessages(request: AnyQueue & Change): Promise<number>;
}

/** Whose dead letters: those of a mapping are its queue's, or what it has given up of its stream. */
export type DeadLetterOwner =
  | QueueId
  | { readonly kind: 'mapping'; readonly tenant: TenantName; readonly name: MappingName };

export interface DeadLetterReference {
  readonly of: DeadLetterOwner;
}

/** tenant_not_found, queue_not_found, mapping_not_found, queue_unavailable. */
export interface DeadLetterBackend {
  peekDeadLetters(
    request: DeadLetterReference & { readonly limit: number; readonly after?: string },
  ): Promise<MessagePageReply>;
  /** All of them where no ids are given; how many. */
  redriveDeadLetters(
    request: DeadLetterReference & Change & { readonly ids?: readonly MessageId[] },
  ): Promise<number>;
  /** How many. */
  purgeDeadLetters(request: DeadLetterReference & Change): Promise<number>;
}

export interface MappingReference {
  readonly tenant: TenantName;
  readonly mapping: MappingName;
}

export interface MappingDescription {
  readonly mapping: EventSourceMapping;
  readonly status: ConsumerStatus;
  /** Of the queue or stream that it reads; undefined where the store does not answer. */
  readonly counts: SourceCounts | undefined;
}

export interface MappingBackend {
  /** tenant_not_found, queue_not_found, function_not_found, event_quota_exceeded, invalid_request; forbidden for a stream unless the operator asks. */
  putMapping(
    request: MappingReference &
      Change & {
        readonly source: EventSource;
        readonly function: FunctionName;
        readonly settings: MappingSettingsPatch;
      },
  ): Promise<MappingDescription & { readonly created: boolean }>;
  /** tenant_not_found, mapping_not_found. */
  describeMapping(request: MappingReference): Promise<MappingDescription>;
  /** By name; tenant_not_found. */
  listMappings(request: TenantReference): Promise<MappingDescription[]>;
  /** tenant_not_found, mapping_not_found, function_not_found, invalid_request. */
  configureMapping(
    request: MappingReference &
      Change & { readonly function?: FunctionName; readonly settings: MappingSettingsPatch },
  ): Promise<MappingDescription>;
  /** tenant_not_found, mapping_not_found. */
  removeMapping(request: MappingReference & Change): Promise<void>;
}

export interface ScheduleReference {
  readonly tenant: TenantName;
  readonly schedule: ScheduleName;
}

export interface ScheduleDescription {
  readonly schedule: Schedule;
  /** Ticks to come, the next one first; none where it is disabled or over. */
  readonly nextTicksMs: readonly number[];
}

export interface ScheduleBackend {
  /** tenant_not_found, function_not_found, event_quota_exceeded, invalid_request. */
  putSchedule(
    request: ScheduleReference &
      Change & {
        readonly function: FunctionName;
        readonly settings: ScheduleSettingsPatch & { readonly expression: ScheduleExpression };
      },
  ): Promise<ScheduleDescription & { readonly created: boolean }>;
  /** tenant_not_found, schedule_not_found. */
  describeSchedule(request: ScheduleReference): Promise<ScheduleDescription>;
  /** By name; tenant_not_found. */
  listSchedules(request: TenantReference): Promise<ScheduleDescription[]>;
  /** tenant_not_found, schedule_not_found, function_not_found, invalid_request. */
  configureSchedule(
    request: ScheduleReference &
      Change & { readonly function?: FunctionName; readonly settings: ScheduleSettingsPatch },
  ): Promise<ScheduleDescription>;
  /** tenant_not_found, schedule_not_found. */
  removeSchedule(request: ScheduleReference & Change): Promise<void>;
}

export interface FunctionEventsDescription {
  readonly status: ConsumerStatus;
  readonly counts: QueueCounts | undefined;
}

export interface FunctionEventBackend {
  /** Durable when it resolves. tenant_not_found, function_not_found, queue_full, queue_unavailable. */
  invokeAsync(request: FunctionReference & { readonly message: NewMessage }): Promise<SentMessage>;
  /** tenant_not_found, function_not_found. */
  eventInvokeConfig(request: FunctionReference): Promise<EventInvokeConfig>;
  /** tenant_not_found, function_not_found, invalid_request. */
  configureEventInvoke(
    request: FunctionReference & Change & { readonly patch: EventInvokeConfigPatch },
  ): Promise<EventInvokeConfig>;
  /** Of a function that is deleted as well: its events wait. tenant_not_found. */
  describeFunctionEvents(request: FunctionReference): Promise<FunctionEventsDescription>;
}

export interface EventBackend
  extends QueueBackend,
    MessageBackend,
    DeadLetterBackend,
    MappingBackend,
    ScheduleBackend,
    FunctionEventBackend {}

/** For CONTROL_METHODS (backend.ts). */
export const EVENT_METHODS: Readonly<Record<keyof EventBackend, true>> = {
  putQueue: true,
  describeQueue: true,
  listQueues: true,
  configureQueue: true,
  removeQueue: true,
  sendMessages: true,
  addSigningSecret: true,
  listSigningSecrets: true,
  removeSigningSecret: true,
  signingSecrets: true,
  peekMessages: true,
  purgeMessages: true,
  peekDeadLetters: true,
  redriveDeadLetters: true,
  purgeDeadLetters: true,
  putMapping: true,
  describeMapping: true,
  listMappings: true,
  configureMapping: true,
  removeMapping: true,
  putSchedule: true,
  describeSchedule: true,
  listSchedules: true,
  configureSchedule: true,
  removeSchedule: true,
  invokeAsync: true,
  eventInvokeConfig: true,
  configureEventInvoke: true,
  describeFunctionEvents: true,
};
