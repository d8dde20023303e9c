import test from 'ava';
import { MayflyError } from '../../host/errors/errors.ts';
import type { EventInvocation, EventOutcome } from '../../host/model/event-invocation.ts';
import { defaultEventInvokeConfig, type EventInvokeConfig } from '../../host/model/event-invoke-config.ts';
import {
  defaultMappingSettings,
  type EventSourceMapping,
  type MappingSettings,
} from '../../host/model/event-source-mapping.ts';
import type { FunctionName, MappingName, QueueName } from '../../host/model/ids.ts';
import { defaultQueueSettings, type QueueId } from '../../host/model/queue.ts';
import { Consumers } from '../../host/triggers/consumers.ts';
import type { Outcome } from '../../host/triggers/destination-record.ts';
import type { TriggerDefinitions } from '../../host/triggers/ports.ts';
import { failed, newMessage, refused, returned, TENANT, textOf } from './consumer-fixture.ts';
import { MemoryEngine } from './memory-engine.ts';
import { quiet, VirtualClock } from './virtual-clock.ts';

class Fixture {
  readonly clock = new VirtualClock();
  readonly engine = new MemoryEngine(this.clock);
  readonly functions = new Map<string, EventInvokeConfig>();
  readonly mappings = new Map<string, EventSourceMapping>();
  readonly delivered: string[] = [];
  readonly told: Outcome[] = [];
  generation = 1;
  readonly reports: string[] = [];
  handler: (invocation: EventInvocation) => EventOutcome | Promise<EventOutcome> = () => returned();
  readonly #onFunction = new Set<(name: FunctionName) => void>();
  readonly #onMapping = new Set<(name: MappingName) => void>();
  readonly consumers: Consumers;

  constructor() {
    const definitions: TriggerDefinitions = {
      generationOf: () => this.generation,
      functions: () =>
        [...this.functions.keys()].map((name) => ({ tenant: TENANT, name: name as FunctionName })),
      functionFacts: (_tenant, name) => {
        const invokeConfig = this.functions.get(name);
        return invokeConfig && { timeoutMs: 1_000, allowedHosts: [], invokeConfig };
      },
      onFunctionChange: (listener) => {
        this.#onFunction.add((name) => listener(TENANT, name));
        return () => this.#onFunction.clear();
      },
      mappings: () => this.mappings.values(),
      mapping: (_tenant, name) => this.mappings.get(name),
      onMappingChange: (listener) => {
        this.#onMapping.add((name) => listener(TENANT, name));
        return () => this.#onMapping.clear();
      },
      queueSettings: () => defaultQueueSettings(),
    };
    this.consumers = new Consumers({
      engine: this.engine,
      definitions,
      deliver: async (invocation) => {
        const { delivery, name } = invocation;
        const messages = delivery.kind === 'batch' ? delivery.messages : [delivery.message];
        this.delivered.push(...messages.map((message) => `${name}: ${textOf(message)}`));
        return await this.handler(invocation);
      },
      destinations: {
        send: async (_, outcome) => {
          this.told.push(outcome);
          return undefined;
        },
      },
      streamSource: () => undefined,
      clock: this.clock,
      random: () => 0.5,
      report: (message) => this.reports.push(message),
    });
  }

  putFunction(name: string, config: Partial<EventInvokeConfig> | undefined = {}): void {
    this.functions.set(name, { ...defaultEventInvokeConfig(), ...config });
    for (const listener of this.#onFunction) listener(name as FunctionName);
  }

  dropFunction(name: string): void {
    this.functions.delete(name);
    for (const listener of this.#onFunction) listener(name as FunctionName);
  }

  putMapping(name: string, queue: string, target: string, settings: Partial<MappingSettings> = {}): void {
    this.mappings.set(name, {
      tenant: TENANT,
      name: name as MappingName,
      source: { type: 'queue', queue: queue as QueueName },
      function: target as FunctionName,
      settings: { ...defaultMappingSettings(), ...settings },
      createdAtMs: 0,
      updatedAtMs: 0,
    });
    for (const listener of this.#onMapping) listener(name as MappingName);
  }

  dropMapping(name: string): void {
    this.mappings.delete(name);
    for (const listener of this.#onMapping) listener(name as MappingName);
  }

  async send(queue: QueueId, ...texts: string[]): Promise<void> {
    await this.engine.send(
      queue,
      defaultQueueSettings(),
      texts.map((text) => newMessage(text)),
    );
    await quiet();
  }
}

const queueOf = (name: string): QueueId => ({ kind: 'queue', tenant: TENANT, name: name as QueueName });
const eventsOf = (name: string): QueueId => ({
  kind: 'function',
  tenant: TENANT,
  name: name as FunctionName,
});
const mapping = 'm' as MappingName;

test('mappings that are there and such that come are consumed, until they are disabled or deleted', async (t) => {
  const fixture = new Fixture();
  fixture.putFunction('f');
  fixture.putMapping('m', 'q', 'f');
  await fixture.send(queueOf('q'), 'before');
  fixture.consumers.start();
  await quiet();
  fixture.putMapping('n', 'r', 'f');
  await fixture.send(queueOf('r'), 'new');
  fixture.putMapping('m', 'q', 'f', { enabled: false });
  await fixture.send(queueOf('q'), 'later');
  t.deepEqual(fixture.delivered, ['f: before', 'f: new']);
  t.like(fixture.consumers.mappingStatus(TENANT, mapping), { state: 'paused', counts: { succeeded: 1 } });
  fixture.putMapping('m', 'q', 'f');
  await quiet();
  t.deepEqual(fixture.delivered.slice(2), ['f: later']);
  t.like(fixture.consumers.mappingStatus(TENANT, mapping), { state: 'idle', counts: { succeeded: 2 } });
  fixture.dropMapping('m');
  await fixture.send(queueOf('q'), 'unwanted');
  t.is(fixture.delivered.length, 3);
  t.is(fixture.consumers.mappingStatus(TENANT, mapping), undefined);
});

test('a mapping follows its source, its function and its settings', async (t) => {
  const fixture = new Fixture();
  fixture.putFunction('f');
  fixture.putFunction('g');
  fixture.putMapping('m', 'q', 'f');
  fixture.consumers.start();
  await fixture.send(queueOf('q'), '1');
  fixture.putMapping('m', 'q', 'g', { filters: [{ body: [{ prefix: 'x' }] }] });
  await fixture.send(queueOf('q'), '2', 'x3');
  fixture.putMapping('m', 'r', 'g');
  await fixture.send(queueOf('q'), '4');
  await fixture.send(queueOf('r'), '5');
  t.deepEqual(fixture.delivered, ['f: 1', 'g: x3', 'g: 5']);
});

test('what a mapping had begun when it was disabled comes to its end', async (t) => {
  const fixture = new Fixture();
  fixture.putFunction('f');
  fixture.putMapping('m', 'q', 'f');
  const { promise, resolve } = Promise.withResolvers<EventOutcome>();
  fixture.handler = () => promise;
  fixture.consumers.start();
  await fixture.send(queueOf('q'), 'slow');
  fixture.putMapping('m', 'q', 'f', { enabled: false });
  resolve(returned());
  await quiet();
  t.is((await fixture.engine.counts(queueOf('q'))).inFlight, 0);
  t.is(fixture.clock.timers, 0);
});

test('events of a function are consumed as its configuration says, with no consumer while there are none', async (t) => {
  const fixture = new Fixture();
  fixture.putFunction('f', { maximumAttempts: 2 });
  await fixture.send(eventsOf('f'), 'before');
  fixture.handler = () => failed();
  fixture.consumers.start();
  await quiet();
  await fixture.clock.pass(60_000);
  t.deepEqual(fixture.delivered, ['f: before', 'f: before']);
  t.is((await fixture.engine.counts(eventsOf('f'))).dead, 1);
  t.like(fixture.consumers.functionStatus(TENANT, 'f' as FunctionName), {
    state: 'idle',
    counts: { dead: 1, retried: 1 },
  });
  fixture.putFunction('f', { maximumAttempts: 1 });
  await fixture.send(eventsOf('f'), 'after');
  t.is((await fixture.engine.counts(eventsOf('f'))).dead, 2);
  fixture.putFunction('late');
  await fixture.send(eventsOf('late'), 'x');
  t.is(fixture.delivered.at(-1), 'late: x');
});

test('ten thousand functions at rest cost no timer and no claim', async (t) => {
  const fixture = new Fixture();
  for (let index = 0; index < 10_000; index++) fixture.functions.set(`f${index}`, defaultEventInvokeConfig());
  let claims = 0;
  const claim = fixture.engine.claim.bind(fixture.engine);
  fixture.engine.claim = (queue, options) => {
    claims++;
    return claim(queue, options);
  };
  await fixture.send(eventsOf('f77'), 'x');
  fixture.consumers.start();
  await quiet();
  t.deepEqual(fixture.delivered, ['f77: x']);
  t.true(claims < 5);
  t.is(fixture.clock.timers, 0);
});

test('what waited is found also if the store is away when the host starts', async (t) => {
  const fixture = new Fixture();
  for (let index = 0; index < 100; index++) fixture.functions.set(`f${index}`, defaultEventInvokeConfig());
  await fixture.send(eventsOf('f0'), 'first');
  await fixture.send(eventsOf('f99'), 'last');
  const counts = fixture.engine.counts.bind(fixture.engine);
  let isAway = true;
  fixture.engine.counts = async (queue) => {
    if (isAway) throw new MayflyError('queue_unavailable', 'away');
    return await counts(queue);
  };
  fixture.consumers.start();
  await fixture.clock.pass(60_000);
  t.true(fixture.clock.timers <= 16);
  isAway = false;
  await fixture.clock.pass(10_000);
  t.deepEqual(fixture.delivered.sort(), ['f0: first', 'f99: last']);
});

test('messages of a function that was deleted wait, visibly, and go on when it is there again', async (t) => {
  const fixture = new Fixture();
  fixture.putFunction('f');
  fixture.putMapping('m', 'q', 'f');
  fixture.handler = ({ name }) =>
    fixture.functions.has(name) ? returned() : refused(10_000, 'function_not_found');
  fixture.consumers.start();
  fixture.dropFunction('f');
  await fixture.send(queueOf('q'), 'x');
  await fixture.send(eventsOf('f'), 'y');
  t.like(fixture.consumers.mappingStatus(TENANT, mapping), {
    state: 'waiting',
    waitingFor: { code: 'function_not_found' },
  });
  t.is(fixture.consumers.functionStatus(TENANT, 'f' as FunctionName).state, 'stopped');
  fixture.delivered.length = 0;
  fixture.putFunction('f');
  await quiet();
  t.deepEqual(fixture.delivered.sort(), ['f: x', 'f: y']);
});

test('a mapping that cannot be read stops no other', async (t) => {
  const fixture = new Fixture();
  fixture.putFunction('f');
  fixture.putMapping('broken', 'q', 'f', { filters: [{ unknown: ['x'] }] });
  fixture.putMapping('m', 'r', 'f');
  fixture.consumers.start();
  await fixture.send(queueOf('r'), 'x');
  t.deepEqual(fixture.delivered, ['f: x']);
  t.regex(fixture.reports[0]!, /broken/);
  t.is(fixture.consumers.mappingStatus(TENANT, 'broken' as MappingName)?.state, 'stopped');
});

test('a drain ends all of them', async (t) => {
  const fixture = new Fixture();
  fixture.putFunction('f');
  fixture.putMapping('m', 'q', 'f');
  fixture.handler = () => new Promise<EventOutcome>(() => {});
  fixture.consumers.start();
  await fixture.send(queueOf('q'), 'x');
  await fixture.send(eventsOf('f'), 'y');
  const drained = fixture.consumers.drain(5_000);
  await fixture.send(eventsOf('f'), 'z');
  await fixture.clock.pass(5_000);
  await drained;
  t.is(fixture.delivered.length, 2);
  t.is((await fixture.engine.counts(queueOf('q'))).ready, 1);
  t.is((await fixture.engine.counts(eventsOf('f'))).ready, 2);
  t.is(fixture.clock.timers, 0);
});

test('what ends behind its tenant is told of as that tenant’s, not the next one’s of the name', async (t) => {
  const fixture = new Fixture();
  const running: PromiseWithResolvers<EventOutcome>[] = [];
  fixture.handler = () => {
    const outcome = Promise.withResolvers<EventOutcome>();
    running.push(outcome);
    return outcome.promise;
  };
  fixture.putFunction('f');
  fixture.putMapping('m', 'q', 'f');
  fixture.consumers.start();
  await fixture.send(queueOf('q'), 'of a queue');
  await fixture.send(eventsOf('f'), 'an event');
  fixture.generation = 2;
  fixture.dropMapping('m');
  fixture.dropFunction('f');
  fixture.putFunction('f');
  fixture.putMapping('m', 'q', 'f');
  for (const outcome of running) outcome.resolve(returned());
  await quiet();
  t.deepEqual(
    fixture.told.map(({ generation }) => generation),
    [1, 1],
  );
  await fixture.send(queueOf('q'), 'of the next');
  running.at(-1)!.resolve(returned());
  await quiet();
  t.is(fixture.told.at(-1)!.generation, 2);
});
