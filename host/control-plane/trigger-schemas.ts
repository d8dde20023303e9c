/** The shapes of requests and responses about event source mappings, schedules and asynchronous invocations. */
import { z } from '@hono/zod-openapi';
import { eventInvokeConfigPatchSchema } from '../model/event-invoke-config.ts';
import { eventSourceSchema, mappingSettingsPatchSchema } from '../model/event-source-mapping.ts';
import { scheduleSettingsPatchSchema } from '../model/schedule.ts';
import { queueCountsSchema, sourceCountsSchema } from './queue-schemas.ts';
import { instantSchema, nameSchema, tenantParams } from './schemas.ts';

export const mappingParams = tenantParams.extend({
  mapping: nameSchema.openapi({ description: 'The mapping, unique within its tenant.', example: 'orders' }),
});

export const scheduleParams = tenantParams.extend({
  schedule: nameSchema.openapi({
    description: 'The schedule, unique within its tenant.',
    example: 'nightly',
  }),
});

const functionName = nameSchema.openapi({ description: 'The function that is called.', example: 'hello' });

const statusSchema = z
  .object({
    state: z.enum(['idle', 'running', 'waiting', 'paused', 'stopped']),
    waitingFor: z.object({ code: z.string(), detail: z.string() }).optional().openapi({
      description: 'Why messages that are due are not handled now.',
    }),
    inFlight: z.number().int().min(0).openapi({ description: 'Batches in work on this host.' }),
    counts: z
      .object({
        succeeded: z.number().int().min(0),
        retried: z.number().int().min(0),
        dead: z.number().int().min(0),
        filtered: z.number().int().min(0),
      })
      .openapi({ description: 'Messages since this host has started.' }),
  })
  .openapi('ConsumerStatus', { description: 'What the consumer on this host does at the moment.' });

// --- event source mappings --------------------------------------------------------------------------------

export const mappingBody = z
  .strictObject({ source: eventSourceSchema, function: functionName, ...mappingSettingsPatchSchema.shape })
  .openapi('NewEventSourceMapping');

export const mappingPatchBody = z
  .strictObject({ function: functionName.optional(), ...mappingSettingsPatchSchema.shape })
  .openapi('EventSourceMappingPatch', { description: 'What to replace; `enabled` pauses and resumes.' });

export const mappingSchema = z
  .object({
    tenant: nameSchema,
    name: nameSchema,
    source: eventSourceSchema,
    function: functionName,
    ...mappingSettingsPatchSchema.required().shape,
    status: statusSchema,
    counts: sourceCountsSchema.optional().openapi({
      description: 'Of the queue or stream that it reads. Absent while its store does not answer.',
    }),
    createdAt: instantSchema,
    updatedAt: instantSchema,
  })
  .openapi('EventSourceMapping');

// --- schedules --------------------------------------------------------------------------------------------

export const scheduleBody = z
  .strictObject({
    function: functionName,
    ...scheduleSettingsPatchSchema.shape,
    expression: scheduleSettingsPatchSchema.shape.expression.unwrap(),
  })
  .openapi('NewSchedule');

export const schedulePatchBody = z
  .strictObject({ function: functionName.optional(), ...scheduleSettingsPatchSchema.shape })
  .openapi('SchedulePatch', { description: 'What to replace.' });

export const scheduleSchema = z
  .object({
    tenant: nameSchema,
    name: nameSchema,
    function: functionName,
    ...scheduleSettingsPatchSchema.required().shape,
    lastTick: instantSchema.optional().openapi({ description: 'Ticks up to this one are over.' }),
    nextTicks: z.array(instantSchema).openapi({ description: 'Ticks to come, the next one first.' }),
    createdAt: instantSchema,
    updatedAt: instantSchema,
  })
  .openapi('Schedule');

// --- asynchronous invocations -----------------------------------------------------------------------------

// `describe` makes a copy: schemas made before this library was loaded lack its methods.
export const eventInvokeConfigPatchBody = eventInvokeConfigPatchSchema
  .describe('Settings to replace.')
  .openapi('EventInvokeConfigPatch');

export const eventInvokeConfigSchema = eventInvokeConfigPatchSchema
  .required()
  .describe('How asynchronous invocations are tried, complete.')
  .openapi('EventInvokeConfig');

export const functionEventsSchema = z
  .object({ status: statusSchema, counts: queueCountsSchema.optional() })
  .openapi('FunctionEvents', {
    description: 'Events that wait for a function: asynchronous invocations, ticks.',
  });

export type MappingJson = z.infer<typeof mappingSchema>;
export type ScheduleJson = z.infer<typeof scheduleSchema>;
export type EventInvokeConfigJson = z.infer<typeof eventInvokeConfigSchema>;
export type FunctionEventsJson = z.infer<typeof functionEventsSchema>;
