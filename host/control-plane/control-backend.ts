import { CONTROL_METHODS, type ControlBackend } from './backend.ts';
import { BackupService, type BackupServicePorts } from './backup-service.ts';
import { BillingService, type BillingServicePorts } from './billing-service.ts';
import { DeadLetterService } from './dead-letter-service.ts';
import type { EventServicePorts } from './event-ports.ts';
import { FunctionEventService } from './function-event-service.ts';
import { KeyService } from './key-service.ts';
import { MappingService } from './mapping-service.ts';
import { MessageService } from './message-service.ts';
import { QueueService } from './queue-service.ts';
import { QuotaService, type QuotaServicePorts } from './quota-service.ts';
import { RemeteringService, type RemeteringServicePorts } from './remetering-service.ts';
import { ScheduleService } from './schedule-service.ts';
import { SecretService } from './secret-service.ts';
import { ControlService, type ControlServicePorts } from './service.ts';
import { TelemetryService, type TelemetryServicePorts } from './telemetry-service.ts';
import { TenantService, type TenantServicePorts } from './tenant-service.ts';

export type ControlBackendPorts = ControlServicePorts &
  TenantServicePorts &
  QuotaServicePorts &
  BillingServicePorts &
  EventServicePorts &
  TelemetryServicePorts &
  BackupServicePorts &
  RemeteringServicePorts;

/** The control plane's services in the main thread, as one object of its methods. */
export function createControlBackend(ports: ControlBackendPorts): ControlBackend {
  const services = [
    new ControlService(ports),
    new TenantService(ports),
    new QuotaService(ports),
    new KeyService(ports),
    new SecretService(ports),
    new BillingService(ports),
    new QueueService(ports),
    new MessageService(ports),
    new DeadLetterService(ports),
    new MappingService(ports),
    new ScheduleService(ports),
    new FunctionEventService(ports),
    new TelemetryService(ports),
    new BackupService(ports),
    new RemeteringService(ports),
  ] as unknown as readonly Partial<Record<string, (request: unknown, onProgress?: unknown) => unknown>>[];
  const methods = CONTROL_METHODS.map((name) => {
    const service = services.find((candidate) => candidate[name] !== undefined);
    if (!service) throw new Error(`no service has a method ${name}`);
    const method = service[name]!.bind(service);
    return [
      name,
      async (...args: Parameters<typeof method>) => {
        const answer = await method(...args);
        // Nobody is told of what a power cut could undo, neither whoever changed it nor whoever reads.
        await ports.registry.durable();
        return answer;
      },
    ];
  });
  return Object.fromEntries(methods) as unknown as ControlBackend;
}
