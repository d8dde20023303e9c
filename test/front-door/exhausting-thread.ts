/** A thread that serves as a serving thread does, and whose requests fill its heap or end half-way. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { RecordedResponse, recordOwedAnswers } from '../../host/front-door/owed-answers.ts';
import { ConnectionLedger, type LedgerWords } from '../../host/worker/connection-ledger.ts';
import { openDescriptors } from '../../host/worker/descriptors.ts';

const server = createServer({ ServerResponse: RecordedResponse }, (incoming, outgoing) => {
  switch (incoming.url) {
    case '/wait':
      break;
    case '/half':
      outgoing.write('half');
      break;
    case '/answer':
      outgoing.end('whole');
      break;
    case '/fill': {
      const kept: unknown[] = [];
      for (;;) kept.push({ a: kept.length, b: [kept.length] });
    }
  }
});
recordOwedAnswers(server, new ConnectionLedger(workerData as LedgerWords, 0, openDescriptors()!));
server.listen(0, '127.0.0.1', () => parentPort!.postMessage((server.address() as AddressInfo).port));
