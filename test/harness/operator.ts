/** What an operator does to a test's host: tenants, their functions and quotas. */
import { betweenLooks } from './between-looks.ts';
import type { Answer, CallOptions, Json, TestHost } from './host.ts';
import { keepArtifact, lendArtifact } from './lent-artifacts.ts';

export class Operator {
  readonly #host: TestHost;

  constructor(host: TestHost) {
    this.#host = host;
  }

  /** A request to the API below /v1 with the operator's key; `body` goes as JSON. */
  async api(method: string, path: string, body?: Json): Promise<{ status: number; json: Json }> {
    const answer = await this.#request(method, path, {
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, json: answer.text === '' ? undefined : JSON.parse(answer.text) };
  }

  /** A tenant with these quotas; it may be there already. */
  async tenant(tenant: string, quotas: Json = {}): Promise<void> {
    await this.api('POST', '/tenants', { name: tenant });
    const { status, json } = await this.api('PATCH', `/tenants/${tenant}/quotas`, quotas);
    if (status !== 200) throw new Error(`quotas of ${tenant}: ${status} ${JSON.stringify(json)}`);
  }

  async deploy(tenant: string, name: string, component: Uint8Array, configuration?: Json): Promise<Answer> {
    const path = `/tenants/${tenant}/functions/${name}`;
    const { dataDir } = this.#host.config;
    await lendArtifact(dataDir, component);
    const answer = await this.upload(tenant, name, component);
    if (answer.status >= 300) throw new Error(`deploy ${tenant}/${name}: ${answer.status} ${answer.text}`);
    await keepArtifact(dataDir, component);
    if (configuration !== undefined) {
      const { status, json } = await this.api('PATCH', `${path}/configuration`, configuration);
      if (status !== 200) throw new Error(`configure ${tenant}/${name}: ${status} ${JSON.stringify(json)}`);
    }
    return answer;
  }

  /** What the host answers to an upload, whatever it is. */
  upload(tenant: string, name: string, component: Uint8Array): Promise<Answer> {
    return this.#request('PUT', `/tenants/${tenant}/functions/${name}`, {
      headers: { 'content-type': 'application/wasm' },
      body: component,
    });
  }

  call(tenant: string, name: string, options: CallOptions = {}): Promise<Answer> {
    return this.#host.request(`/fn/${tenant}/${name}/`, options);
  }

  async quota(tenant: string, name: string): Promise<Json> {
    return (await this.api('GET', `/tenants/${tenant}/quotas`)).json[name];
  }

  /** Waits until a quota is used as much as `used` says. */
  async untilUsed(tenant: string, name: string, used: number): Promise<void> {
    while ((await this.quota(tenant, name)).used !== used) await betweenLooks();
  }

  #request(method: string, path: string, options: CallOptions): Promise<Answer> {
    const authorization = `Bearer ${this.#host.running.adminKey.key}`;
    return this.#host.request(`/v1${path}`, {
      ...options,
      method,
      headers: { authorization, ...options.headers },
    });
  }
}
