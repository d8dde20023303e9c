/** Holds an OpenAPI 3.1 document to its own rules, and responses to the document. */
import { z } from 'zod';
import type { ControlPlaneServer } from './control-plane-server.ts';

const schemaObject = z.looseObject({});

const contentSchema = z.record(
  z.string().regex(/^(\*|[a-z]+)\/(\*|[a-z0-9.+-]+)$/),
  z.strictObject({ schema: schemaObject }),
);

const responseSchema = z.strictObject({
  description: z.string().min(1),
  headers: z.record(z.string(), z.looseObject({ schema: schemaObject })).optional(),
  content: contentSchema.optional(),
});

const parameterSchema = z.strictObject({
  name: z.string(),
  in: z.enum(['path', 'query', 'header', 'cookie']),
  required: z.boolean(),
  description: z.string().optional(),
  example: z.unknown().optional(),
  schema: schemaObject,
});

const operationSchema = z.strictObject({
  operationId: z.string().regex(/^[a-z][A-Za-z]+$/),
  summary: z.string().min(1),
  description: z.string().optional(),
  tags: z.array(z.string()).length(1),
  security: z.array(z.record(z.string(), z.array(z.string()))).optional(),
  parameters: z.array(parameterSchema).optional(),
  requestBody: z
    .strictObject({
      description: z.string().optional(),
      required: z.boolean().optional(),
      content: contentSchema,
    })
    .optional(),
  responses: z.record(z.string().regex(/^([1-5][0-9][0-9]|default)$/), responseSchema),
});

/** The parts of OpenAPI 3.1 that a document of ours uses, strictly: a misspelt key fails. */
export const documentSchema = z.strictObject({
  openapi: z.string().regex(/^3\.1\.[0-9]+$/),
  info: z.strictObject({
    title: z.string().min(1),
    version: z.string().min(1),
    description: z.string().optional(),
    license: z.strictObject({ name: z.string(), url: z.url() }).optional(),
  }),
  servers: z.array(z.strictObject({ url: z.string(), description: z.string().optional() })),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  tags: z.array(z.strictObject({ name: z.string(), description: z.string() })),
  components: z.strictObject({
    schemas: z.record(z.string().regex(/^[a-zA-Z0-9._-]+$/), schemaObject),
    parameters: z.strictObject({}).optional(),
    securitySchemes: z.record(
      z.string(),
      z.strictObject({ type: z.literal('http'), scheme: z.literal('bearer'), description: z.string() }),
    ),
  }),
  paths: z.record(
    z.string().regex(/^\//),
    z.strictObject({
      get: operationSchema.optional(),
      put: operationSchema.optional(),
      post: operationSchema.optional(),
      patch: operationSchema.optional(),
      delete: operationSchema.optional(),
    }),
  ),
  webhooks: z.strictObject({}).optional(),
});

export type OpenApiDocument = z.infer<typeof documentSchema>;
export type Operation = z.infer<typeof operationSchema>;

export interface OperationEntry {
  readonly path: string;
  readonly method: string;
  readonly operation: Operation;
}

export function operationsOf(document: OpenApiDocument): OperationEntry[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, operation]) => (operation ? [{ path, method, operation }] : [])),
  );
}

/** Every `$ref` below `value`. */
export function referencesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' && typeof inner === 'string' ? [inner] : referencesIn(inner),
  );
}

/** A JSON Schema of the document as something that validates. */
export function compile(document: OpenApiDocument, schema: object): z.ZodType {
  const text = JSON.stringify({ ...schema, $defs: document.components.schemas });
  return z.fromJSONSchema(JSON.parse(text.replaceAll('#/components/schemas/', '#/$defs/')));
}

/** What is wrong with a response by the document, or undefined. */
export async function breachOf(
  document: OpenApiDocument,
  operationId: string,
  response: Response,
): Promise<string | undefined> {
  const entry = operationsOf(document).find(({ operation }) => operation.operationId === operationId);
  const described = entry?.operation.responses[`${response.status}`] ?? entry?.operation.responses['default'];
  if (!described) return `status ${response.status} is not described`;
  const body = await response.text();
  if (!described.content) return body === '' ? undefined : 'there is a body';
  const type = response.headers.get('content-type')?.split(';')[0] ?? '';
  const media = described.content[type] ?? described.content['*/*'];
  if (!media) return `media type ${type} is not described`;
  if (!/json$/.test(type) || type.includes('ndjson')) return undefined;
  const { error } = compile(document, media.schema).safeParse(JSON.parse(body));
  return error && z.prettifyError(error);
}

/** As anybody gets it. */
export async function documentOf(server: ControlPlaneServer): Promise<OpenApiDocument> {
  const response = await server.request('GET', '/openapi.json', { key: undefined });
  return documentSchema.parse(await response.json());
}
