import test from 'ava';
import type { LoadedArtifact } from '../../host/instance/artifact.ts';
import type { LiveFunction } from '../../host/model/function-version.ts';
import type { FunctionName, TenantName } from '../../host/model/ids.ts';
import type { FunctionId } from '../../host/store/recent-functions.ts';
import type { ResolvedFunction } from '../../host/worker/messages.ts';
import { Preparation } from '../../host/worker/preparation.ts';

const id = (name: string): FunctionId => ({ tenant: 'default' as TenantName, name: name as FunctionName });

class Thread {
  readonly events: string[] = [];
  readonly versions: Record<string, number> = {};
  readonly broken = new Set<string>();
  /** Those that have slots. */
  readonly ready = new Set<string>();
  readonly preparation = new Preparation({
    resolve: async ({ tenant, name }) => {
      const version = this.versions[name];
      if (version === undefined) return undefined;
      return {
        live: { tenant, name, version, artifactKey: name } as Partial<LiveFunction> as LiveFunction,
      } as ResolvedFunction;
    },
    artifact: async (key) => {
      if (this.broken.has(key)) throw new Error('no artifact');
      return { key } as LoadedArtifact;
    },
    slots: {
      retire: (_tenant, name, kept) => {
        this.events.push(`retire ${name} but ${kept?.version}`);
        return this.ready.has(name);
      },
      prepare: (live) => void this.events.push(`prepare ${live.name} ${live.version}`),
    },
    later: setImmediate,
  });

  async seen(count: number): Promise<string[]> {
    while (this.events.length < count) await new Promise((resolve) => setImmediate(resolve));
    return this.events;
  }
}

test('functions are made ready in the order in which they were named, slots of older versions given up', async (t) => {
  const thread = new Thread();
  Object.assign(thread.versions, { a: 1, b: 7 });
  thread.preparation.prepare(id('b'));
  thread.preparation.prepare(id('a'));
  t.deepEqual(await thread.seen(4), ['retire b but 7', 'prepare b 7', 'retire a but 1', 'prepare a 1']);
});

test('a function that runs on another artifact is made ready where it was, and nowhere else', async (t) => {
  const thread = new Thread();
  Object.assign(thread.versions, { called: 1, idle: 1 });
  thread.ready.add('called');
  for (const name of ['idle', 'called']) thread.preparation.prepare({ ...id(name), isRenewal: true });
  thread.preparation.prepare(id('idle'));
  t.deepEqual(await thread.seen(5), [
    'retire idle but 1',
    'retire called but 1',
    'prepare called 1',
    'retire idle but 1',
    'prepare idle 1',
  ]);
});

test('a function that is gone gives up its slots; one that fails keeps nobody waiting', async (t) => {
  const thread = new Thread();
  Object.assign(thread.versions, { broken: 1, last: 1 });
  thread.broken.add('broken');
  for (const name of ['gone', 'broken', 'last']) thread.preparation.prepare(id(name));
  t.deepEqual(await thread.seen(4), [
    'retire gone but undefined',
    'retire broken but 1',
    'retire last but 1',
    'prepare last 1',
  ]);
});
