/** Names and publications for tests of the store. */
import { createHash } from 'node:crypto';
import type { Digest, FunctionName, TenantName } from '../../host/model/ids.ts';
import { asFunctionName, asTenantName } from '../../host/model/ids.ts';
import type { Publication } from '../../host/store/function-table.ts';

export function tenantNamed(text: string): TenantName {
  const name = asTenantName(text);
  if (!name) throw new Error(`not a tenant's name: ${text}`);
  return name;
}

export function functionNamed(text: string): FunctionName {
  const name = asFunctionName(text);
  if (!name) throw new Error(`not a function's name: ${text}`);
  return name;
}

/** What publishing `content` would have found; the same content is the same artifact. */
export function publicationOf(
  tenant: TenantName,
  name: FunctionName,
  content: string,
  nowMs = 1_000,
): Publication {
  const hash = createHash('sha256').update(content).digest('hex');
  return {
    tenant,
    name,
    artifactKey: `artifact-${hash}`,
    digest: `sha256:${hash}` as Digest,
    handler: 'wasi:http/incoming-handler@0.2',
    world: 'wasi:http/incoming-handler@0.2.3',
    sizes: { uploadBytes: content.length, codeBytes: 2, glueBytes: 3 },
    steps: [{ name: 'check', ms: 1.5 }],
    nowMs,
  };
}
