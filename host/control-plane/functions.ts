/** Functions: publish, look at, list, remove. */
import { createRoute, z } from '@hono/zod-openapi';
import type { FunctionName, TenantName } from '../model/ids.ts';
import type { OnPublishProgress } from '../model/publish-progress.ts';
import { NDJSON_MEDIA_TYPE } from './log-stream.ts';
import type { ControlPlanePorts } from './ports.ts';
import { progressStream, wantsLines } from './progress-stream.ts';
import { type PublishOutcomeJson, publishEventSchema } from './publish-stream.ts';
import type { FunctionReference } from './references.ts';
import {
  asReference,
  type ControlPlaneApp,
  FUNCTION_CODES,
  json,
  originOf,
  problems,
  refuseInvalid,
  TENANT_CODES,
} from './route-parts.ts';
import {
  functionParams,
  functionSchema,
  functionSummarySchema,
  functionsQuery,
  publishedSchema,
  publishQuery,
  tenantParams,
} from './schemas.ts';
import { needs } from './scopes.ts';
import { discardUpload, receiveUpload } from './upload.ts';
import { functionJson, functionSummaryJson, publishedJson } from './views.ts';

const tags = ['Functions'];

const publishRoute = createRoute({
  method: 'put',
  path: '/v1/tenants/{tenant}/functions/{name}',
  operationId: 'publishFunction',
  security: needs('deploy'),
  summary: 'Publish a component',
  description:
    'Makes the uploaded component an immutable version of the function and lets it answer from the next request on. The same bytes again are the same version.',
  tags,
  request: {
    params: functionParams,
    query: publishQuery,
    body: {
      required: true,
      description: 'A component, or a wasip1 core module.',
      content: { 'application/wasm': { schema: { type: 'string', contentMediaType: 'application/wasm' } } },
    },
  },
  responses: {
    201: {
      ...json('A new version, which is live.', publishedSchema),
      headers: z.object({ location: z.string().openapi({ description: 'Path of the function.' }) }),
    },
    200: {
      description:
        'A version that was there already, which is live again; or, for `Accept: application/x-ndjson`, the publish as it goes on, one object a line, whose last one says what came of it.',
      content: {
        'application/json': { schema: publishedSchema },
        [NDJSON_MEDIA_TYPE]: { schema: publishEventSchema },
      },
    },
    ...problems(
      ...TENANT_CODES,
      'functions_limit_reached',
      'storage_quota_exceeded',
      'unsupported_media_type',
      'component_too_large',
      'component_malformed',
      'component_too_complex',
      'component_unsupported',
      'component_handler_missing',
      'component_import_unknown',
      'component_memory_too_large',
      'publish_timed_out',
      'publish_out_of_memory',
      'publish_busy',
      'draining',
    ),
  },
});

const describeRoute = createRoute({
  method: 'get',
  path: '/v1/tenants/{tenant}/functions/{name}',
  operationId: 'describeFunction',
  security: needs('read'),
  summary: 'Describe a function',
  tags,
  request: { params: functionParams },
  responses: {
    200: json('The function, its live version and its settings.', functionSchema),
    ...problems(...FUNCTION_CODES),
  },
});

const listRoute = createRoute({
  method: 'get',
  path: '/v1/tenants/{tenant}/functions',
  operationId: 'listFunctions',
  security: needs('read'),
  summary: 'List the functions of a tenant',
  description: 'A page that has as many as `limit` may be followed by another.',
  tags,
  request: { params: tenantParams, query: functionsQuery },
  responses: {
    200: json('Functions by name.', z.array(functionSummarySchema)),
    ...problems(...TENANT_CODES),
  },
});

const removeRoute = createRoute({
  method: 'delete',
  path: '/v1/tenants/{tenant}/functions/{name}',
  operationId: 'deleteFunction',
  security: needs('deploy'),
  summary: 'Delete a function',
  description:
    'Removes all versions, the settings and the log. Invocations in flight end as they would have.',
  tags,
  request: { params: functionParams },
  responses: { 204: { description: 'It is gone.' }, ...problems(...FUNCTION_CODES, 'draining') },
});

export function registerFunctionRoutes(app: ControlPlaneApp, ports: ControlPlanePorts): void {
  const { backend, componentBytes, stagingDir, functionUrl, instancesOf, report } = ports;

  /** Who follows a publish hears as well how instances come about, and finds one ready. */
  async function warmed(
    outcome: Omit<PublishOutcomeJson, 'instances'>,
    reference: FunctionReference,
    onProgress: OnPublishProgress,
  ): Promise<PublishOutcomeJson> {
    onProgress({ step: 'warm' });
    const sinceMs = performance.now();
    const instances = await instancesOf(reference);
    onProgress({ step: 'warm', ms: performance.now() - sinceMs });
    return { ...outcome, ...(instances === undefined ? {} : { instances }) };
  }

  app.openapi(
    publishRoute,
    async (c) => {
      const reference = asReference(c.req.valid('param'));
      const { handler } = c.req.valid('query');
      // Refused before the body: a caller should not send 64 MiB to hear that there is no such tenant.
      const uploadBytes = Number(c.req.header('content-length') ?? 0);
      await backend.admitUpload({ ...reference, uploadBytes });
      const upload = await receiveUpload(c.req.raw, {
        folder: stagingDir,
        maxBytes: componentBytes,
      });
      try {
        await c.var.requireKey();
      } catch (error) {
        await discardUpload(upload);
        throw error;
      }
      const request = {
        ...reference,
        actor: c.var.actor,
        uploadPath: upload.path,
        digest: upload.digest,
        uploadBytes: upload.bytes,
        ...(handler === undefined ? {} : { handler }),
      };
      const publish = async (onProgress?: OnPublishProgress) => {
        try {
          const { version, created } = await backend.publish(request, onProgress);
          const url = functionUrl(reference.tenant, reference.name, originOf(c));
          return { published: publishedJson(version, url), created };
        } finally {
          await discardUpload(upload);
        }
      };
      if (wantsLines(c.req.header('accept'), NDJSON_MEDIA_TYPE)) {
        const stream = progressStream(
          async (onProgress: OnPublishProgress) => warmed(await publish(onProgress), reference, onProgress),
          (error) => report(`publishing ${reference.tenant}/${reference.name} failed`, error),
        );
        // The route's type knows one media type per status; the document has both.
        return c.body(stream, 200, {
          'content-type': NDJSON_MEDIA_TYPE,
          'cache-control': 'no-store',
        }) as never;
      }
      const { published, created } = await publish();
      return created
        ? c.json(published, 201, { location: new URL(c.req.url).pathname })
        : c.json(published, 200);
    },
    refuseInvalid({ query: publishQuery }),
  );

  app.openapi(describeRoute, async (c) => {
    const reference = asReference(c.req.valid('param'));
    const [description, instances] = await Promise.all([backend.describe(reference), instancesOf(reference)]);
    const url = functionUrl(reference.tenant, reference.name, originOf(c));
    return c.json(functionJson(description, instances, url), 200);
  });

  app.openapi(
    listRoute,
    async (c) => {
      const tenant = c.req.valid('param').tenant as TenantName;
      const { limit, after } = c.req.valid('query');
      const origin = originOf(c);
      const page = { limit, ...(after === undefined ? {} : { after: after as FunctionName }) };
      const functions = await backend.list({ tenant, ...page });
      const summaries = functions.map((description) =>
        functionSummaryJson(description, functionUrl(tenant, description.record.name, origin)),
      );
      return c.json(summaries, 200);
    },
    refuseInvalid({ query: functionsQuery }),
  );

  app.openapi(removeRoute, async (c) => {
    await backend.remove({ ...asReference(c.req.valid('param')), actor: c.var.actor });
    return c.body(null, 204);
  });
}
