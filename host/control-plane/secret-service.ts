/** Secrets in the main thread: names may be asked for, values only set. */
import { MayflyError } from '../errors/errors.ts';
import type { Registry } from '../store/registry.ts';
import type { SecretListing } from '../store/secret-table.ts';
import type { SecretBackend } from './backend.ts';
import type { FunctionReference } from './references.ts';

export interface SecretServicePorts {
  readonly registry: Registry;
  readonly now: () => number;
}

type Request<M extends keyof SecretBackend> = Parameters<SecretBackend[M]>[0];

export class SecretService implements SecretBackend {
  readonly #ports: SecretServicePorts;

  constructor(ports: SecretServicePorts) {
    this.#ports = ports;
  }

  async setSecret({ tenant, name, secret, value, actor }: Request<'setSecret'>): Promise<void> {
    const { registry, now } = this.#ports;
    this.#require({ tenant, name });
    registry.secrets.set({ tenant, function: name, name: secret }, value, now(), actor);
  }

  async listSecrets({ tenant, name }: FunctionReference): Promise<SecretListing[]> {
    this.#require({ tenant, name });
    return this.#ports.registry.secrets.list(tenant, name);
  }

  async removeSecret({ tenant, name, secret, actor }: Request<'removeSecret'>): Promise<void> {
    const { registry, now } = this.#ports;
    this.#require({ tenant, name });
    registry.secrets.remove({ tenant, function: name, name: secret }, now(), actor);
  }

  #require({ tenant, name }: FunctionReference): void {
    const { registry } = this.#ports;
    registry.tenants.require(tenant);
    if (registry.functions.find(tenant, name)) return;
    throw new MayflyError('function_not_found', `There is no function ${tenant}/${name}.`);
  }
}
