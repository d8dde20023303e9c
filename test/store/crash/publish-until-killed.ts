/** Publishes one version after the other and says each number once it is acknowledged, until it is killed. */
import { writeSync } from 'node:fs';
import { Registry } from '../../../host/store/registry.ts';
import { functionNamed, publicationOf, tenantNamed } from '../publications.ts';

const [path = '', start = '0'] = process.argv.slice(2);
const registry = new Registry({ path });
const acme = tenantNamed('acme');
const hello = functionNamed('hello');
registry.tenants.ensure(acme, {}, 1);
for (let content = Number(start); ; content++) {
  const { version } = registry.functions.publish(publicationOf(acme, hello, `${content}`), {
    functionsPerTenant: 10,
  });
  // Synchronous, so that what the parent has read was acknowledged before the kill.
  writeSync(1, `${version.version}\n`);
}
