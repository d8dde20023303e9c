/** What a thread lends to guests, for tests and benches: each says of it what it is about. */
import type { EnginePorts } from '../../host/instance/engine.ts';
import type { GuestRun } from '../../host/instance/guest-run.ts';
import { SpaceAccount } from '../../host/instance/space-account.ts';
import type { FunctionName, TenantName } from '../../host/model/ids.ts';
import { SystemClock } from '../../host/wasi/clocks/system-clock.ts';
import { UNWATCHED_NOTE } from './unwatched-note.ts';

/** Of a thread whose guests never wait for a turn, and which is not short of anything; random bytes are zeros. */
export function enginePorts(own: Partial<EnginePorts> & Pick<EnginePorts, 'slots'>): EnginePorts {
  return {
    clock: new SystemClock(),
    randomBytes: (length) => new Uint8Array(length),
    park: (_tenant, _fuel, resume) => void setImmediate(resume),
    admit: () => undefined,
    goOn: () => undefined,
    keepsThread: () => false,
    mustEnd: () => false,
    charge: () => {},
    log: () => {},
    note: UNWATCHED_NOTE,
    ...own,
  };
}

/** Of a guest that is called without an engine: as much room as it likes, and no end but its fuel. */
export function guestRun(own: Partial<GuestRun> & Pick<GuestRun, 'fuel' | 'onTrap'>): GuestRun {
  return {
    memory: new SpaceAccount(2 ** 30, 0),
    tables: new SpaceAccount(10_000_000, 0),
    isOver: () => false,
    yieldThread: setImmediate,
    keepsThread: () => false,
    mustEnd: () => false,
    goOn: () => undefined,
    note: UNWATCHED_NOTE,
    owner: { live: { tenant: 'test' as TenantName, name: 'test' as FunctionName, version: 1 } },
    ...own,
  };
}
