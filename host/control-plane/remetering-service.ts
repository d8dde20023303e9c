import type { RemeteringStatus } from '../model/remetering.ts';
import type { Remetering } from '../publish/remetering.ts';
import type { RemeteringBackend } from './backend.ts';

export interface RemeteringServicePorts {
  readonly remetering: Pick<Remetering, 'status' | 'retry'>;
}

export class RemeteringService implements RemeteringBackend {
  readonly #ports: RemeteringServicePorts;

  constructor(ports: RemeteringServicePorts) {
    this.#ports = ports;
  }

  async remetering(): Promise<RemeteringStatus> {
    return this.#ports.remetering.status;
  }

  async retryRemetering(): Promise<RemeteringStatus> {
    return this.#ports.remetering.retry();
  }
}
