/** Keys of tenants in the main thread: their texts are made here, and leave once. */
import type { ApiKey } from '../model/api-key.ts';
import type { Registry } from '../store/registry.ts';
import type { KeyBackend, NewlyMadeKey } from './backend.ts';
import { hashOfKey, newKeyId, newKeyText } from './key-text.ts';
import type { TenantReference } from './references.ts';

export interface KeyServicePorts {
  readonly registry: Registry;
  readonly now: () => number;
}

type Request<M extends keyof KeyBackend> = Parameters<KeyBackend[M]>[0];

export class KeyService implements KeyBackend {
  readonly #ports: KeyServicePorts;

  constructor(ports: KeyServicePorts) {
    this.#ports = ports;
  }

  async createKey({ tenant, name, scopes, expiresAtMs, actor }: Request<'createKey'>): Promise<NewlyMadeKey> {
    const { registry, now } = this.#ports;
    const id = newKeyId();
    const text = newKeyText(id);
    const expiry = expiresAtMs === undefined ? {} : { expiresAtMs };
    const key = registry.keys.create(
      { id, tenant, name, scopes, hash: hashOfKey(text), ...expiry },
      now(),
      actor,
    );
    return { key, text };
  }

  async listKeys({ tenant }: TenantReference): Promise<ApiKey[]> {
    this.#ports.registry.tenants.require(tenant);
    return this.#ports.registry.keys.list(tenant);
  }

  async describeKey({ tenant, id }: TenantReference & { readonly id: string }): Promise<ApiKey> {
    this.#ports.registry.tenants.require(tenant);
    return this.#ports.registry.keys.require(tenant, id);
  }

  async rotateKey({ tenant, id, graceMs, actor }: Request<'rotateKey'>): Promise<NewlyMadeKey> {
    const { registry, now } = this.#ports;
    registry.tenants.require(tenant);
    const text = newKeyText(id);
    const nowMs = now();
    const grace = graceMs > 0 ? { previousUntilMs: nowMs + graceMs } : {};
    const key = registry.keys.rotate(tenant, id, { hash: hashOfKey(text), ...grace }, nowMs, actor);
    return { key, text };
  }

  async revokeKey({ tenant, id, actor }: Request<'revokeKey'>): Promise<void> {
    const { registry, now } = this.#ports;
    registry.tenants.require(tenant);
    registry.keys.revoke(tenant, id, now(), actor);
  }
}
