/** In place of the process of an isolated tenant: does what its tenant is called. Run by isolated-child.test.ts. */
import type { FromIsolated, ToIsolated } from '../../host/worker/isolated-messages.ts';

const say = (message: FromIsolated | object): void => void process.send?.(message);

process.on('message', (message: ToIsolated) => {
  if (message.kind === 'ping') say({ kind: 'alive' });
  if (message.kind !== 'start') return;
  say({ kind: 'serving' });
  switch (message.data.tenant) {
    case 'hangs':
      // Says so first: what is to be sent waits for a turn of the loop.
      setImmediate(() => {
        for (;;);
      });
      break;
    case 'lies':
      say({ kind: 'logs', records: [{ tenant: 'other', message: 'forged' }] });
      say({ kind: 'relieved', functions: [{ tenant: 'other', name: 'f', version: 1 }] });
      say({ kind: 'spent', fuel: -5, outboundBytes: -6 });
      break;
    case 'raves':
      say({ kind: 'spans', spans: [{ tenant: 'raves', traceId: 'no id' }] });
      break;
  }
});
