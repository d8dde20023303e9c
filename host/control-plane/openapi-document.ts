/** The description of the control plane (OpenAPI 3.1), generated from the routes and schemas that serve it. */
import { messageBatchBody } from './message-batch.ts';
import type { ControlPlaneApp } from './route-parts.ts';
import { SECURITY_SCHEME } from './scopes.ts';

export type OpenApiDocument = ReturnType<ControlPlaneApp['getOpenAPI31Document']>;

export function openApiDocument(app: ControlPlaneApp): OpenApiDocument {
  app.openAPIRegistry.registerComponent('securitySchemes', SECURITY_SCHEME, {
    type: 'http',
    scheme: 'bearer',
    description:
      "A tenant's key with the scope that the operation lists (`any`: whatever scopes it has), or the operator's key, which opens everything; `npm start` prints where it is kept.",
  });
  app.openAPIRegistry.register('MessageBatch', messageBatchBody);
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Mayfly',
      version: '1',
      description: 'Publish WebAssembly components as functions, and call them.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: '/', description: 'This host.' }],
    security: [{ [SECURITY_SCHEME]: [] }],
    tags: [
      { name: 'Tenants', description: 'Who owns functions; for the operator.' },
      {
        name: 'Quotas',
        description: 'What a tenant may use and uses; functions that are taken out of service.',
      },
      { name: 'Audit', description: 'What was changed, when, by whom and from where.' },
      { name: 'Keys', description: 'What opens this interface for a tenant.' },
      { name: 'Functions', description: 'Publish, describe, list and delete functions.' },
      { name: 'Versions', description: 'Immutable uploads of a function, and which of them answers.' },
      {
        name: 'Configuration',
        description: 'Limits, environment, outbound hosts and log level of a function.',
      },
      { name: 'Secrets', description: 'Values that only a function sees, in its environment.' },
      { name: 'Invocations', description: 'Call a function with an event.' },
      { name: 'Queues', description: 'What keeps messages until a function has handled them.' },
      { name: 'Messages', description: 'What is in queues: send, look, dead letters.' },
      { name: 'Event source mappings', description: 'Which function handles what comes in, and how.' },
      { name: 'Schedules', description: 'What calls functions by the clock.' },
      { name: 'Logs', description: 'What a function wrote.' },
      { name: 'Usage', description: 'What invocations consumed: each, and added up.' },
      { name: 'Billing', description: 'Prices, bills and budgets.' },
      { name: 'Host', description: 'The host itself.' },
    ],
  });
}
