import type { ExpositionFormat } from '../metering/telemetry/exposition-format.ts';
import type { TelemetryBackend } from './backend.ts';

export interface TelemetryServicePorts {
  readonly scrape: (format: ExpositionFormat) => Promise<string>;
}

export class TelemetryService implements TelemetryBackend {
  readonly #ports: TelemetryServicePorts;

  constructor(ports: TelemetryServicePorts) {
    this.#ports = ports;
  }

  scrape({ format }: { readonly format: ExpositionFormat }): Promise<string> {
    return this.#ports.scrape(format);
  }
}
