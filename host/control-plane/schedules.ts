/** Schedules: what calls a function by the clock. */
import { createRoute, z } from '@hono/zod-openapi';
import type { FunctionName, ScheduleName, TenantName } from '../model/ids.ts';
import type { ScheduleReference } from './event-backend.ts';
import { scheduleJson } from './event-views.ts';
import type { ControlPlanePorts } from './ports.ts';
import { type ControlPlaneApp, json, problems, refuseInvalid, TENANT_CODES } from './route-parts.ts';
import { tenantParams } from './schemas.ts';
import { needs } from './scopes.ts';
import { scheduleBody, scheduleParams, schedulePatchBody, scheduleSchema } from './trigger-schemas.ts';

const tags = ['Schedules'];
const path = '/v1/tenants/{tenant}/schedules/{schedule}' as const;
const changeCodes = ['request_too_large', 'unsupported_media_type', 'draining'] as const;
const SCHEDULE_CODES = [...TENANT_CODES, 'schedule_not_found'] as const;

const putRoute = createRoute({
  method: 'put',
  path,
  operationId: 'putSchedule',
  security: needs('deploy'),
  summary: 'Call a function by the clock',
  description:
    'Creates the schedule, or sets all of it. `cron` has five fields, or six with seconds in front, in a time zone; `rate` is every so many milliseconds; `at` is once. Each tick is an asynchronous invocation.',
  tags,
  request: {
    params: scheduleParams,
    body: { required: true, content: { 'application/json': { schema: scheduleBody } } },
  },
  responses: {
    200: json('The schedule that was there.', scheduleSchema),
    201: json('The new schedule.', scheduleSchema),
    ...problems(...TENANT_CODES, 'function_not_found', 'event_quota_exceeded', ...changeCodes),
  },
});

const listRoute = createRoute({
  method: 'get',
  path: '/v1/tenants/{tenant}/schedules',
  operationId: 'listSchedules',
  security: needs('read'),
  summary: 'List the schedules of a tenant',
  tags,
  request: { params: tenantParams },
  responses: { 200: json('Schedules by name.', z.array(scheduleSchema)), ...problems(...TENANT_CODES) },
});

const describeRoute = createRoute({
  method: 'get',
  path,
  operationId: 'describeSchedule',
  security: needs('read'),
  summary: 'Describe a schedule, with its next ticks',
  tags,
  request: { params: scheduleParams },
  responses: { 200: json('The schedule.', scheduleSchema), ...problems(...SCHEDULE_CODES) },
});

const configureRoute = createRoute({
  method: 'patch',
  path,
  operationId: 'configureSchedule',
  security: needs('deploy'),
  summary: 'Change a schedule, disable or enable it',
  description: 'With another expression, or enabled again, it owes no tick from before.',
  tags,
  request: {
    params: scheduleParams,
    body: { required: true, content: { 'application/json': { schema: schedulePatchBody } } },
  },
  responses: {
    200: json('The schedule.', scheduleSchema),
    ...problems(...SCHEDULE_CODES, 'function_not_found', ...changeCodes),
  },
});

const removeRoute = createRoute({
  method: 'delete',
  path,
  operationId: 'deleteSchedule',
  security: needs('deploy'),
  summary: 'Delete a schedule; events of earlier ticks are still handled',
  tags,
  request: { params: scheduleParams },
  responses: { 204: { description: 'It is gone.' }, ...problems(...SCHEDULE_CODES, 'draining') },
});

export function registerScheduleRoutes(app: ControlPlaneApp, { backend }: ControlPlanePorts): void {
  app.openapi(
    putRoute,
    async (c) => {
      const { function: fn, ...settings } = c.req.valid('json');
      const { created, ...description } = await backend.putSchedule({
        ...asScheduleReference(c.req.valid('param')),
        function: fn as FunctionName,
        settings,
        actor: c.var.actor,
      });
      return c.json(scheduleJson(description), created ? 201 : 200);
    },
    refuseInvalid({ json: scheduleBody }),
  );

  app.openapi(listRoute, async (c) => {
    const schedules = await backend.listSchedules({ tenant: c.req.valid('param').tenant as TenantName });
    return c.json(schedules.map(scheduleJson), 200);
  });

  app.openapi(describeRoute, async (c) =>
    c.json(scheduleJson(await backend.describeSchedule(asScheduleReference(c.req.valid('param')))), 200),
  );

  app.openapi(
    configureRoute,
    async (c) => {
      const { function: fn, ...settings } = c.req.valid('json');
      const description = await backend.configureSchedule({
        ...asScheduleReference(c.req.valid('param')),
        ...(fn === undefined ? {} : { function: fn as FunctionName }),
        settings,
        actor: c.var.actor,
      });
      return c.json(scheduleJson(description), 200);
    },
    refuseInvalid({ json: schedulePatchBody }),
  );

  app.openapi(removeRoute, async (c) => {
    await backend.removeSchedule({ ...asScheduleReference(c.req.valid('param')), actor: c.var.actor });
    return c.body(null, 204);
  });
}

function asScheduleReference(params: {
  readonly tenant: string;
  readonly schedule: string;
}): ScheduleReference {
  return { tenant: params.tenant as TenantName, schedule: params.schedule as ScheduleName };
}
