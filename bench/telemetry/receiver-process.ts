/** A receiver of OTLP that reads and counts. What a collector does with it is no cost of the host's. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const counts = { exports: 0, bytes: 0 };

const server = createServer((incoming, outgoing) => {
  incoming.on('data', (chunk: Buffer) => {
    counts.bytes += chunk.length;
  });
  incoming.on('end', () => {
    counts.exports++;
    outgoing.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  });
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ ...counts, cpuMillis: (user + system) / 1_000 });
});
process.on('disconnect', () => process.exit());
