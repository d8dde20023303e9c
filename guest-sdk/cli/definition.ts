/** What the commands of things that a tenant defines by name (mappings, schedules) have in common. */
import type { Command } from 'commander';
import type { Client } from './client.ts';
import { command, withClient } from './command.ts';
import { properties } from './event-options.ts';
import { CliError } from './exit-code.ts';
import { checkedNameOf, type GlobalOptions } from './settings.ts';
import { print, printJson } from './terminal.ts';

export interface DefinitionKind {
  readonly noun: 'mapping' | 'schedule';
  /** Of the path in the API. */
  readonly segment: 'event-source-mappings' | 'schedules';
  /** The name of one in examples. */
  readonly exampleName: string;
  /** An option that changes one, for whoever names none. */
  readonly exampleOption: string;
}

export class Definitions {
  readonly #kind: DefinitionKind;

  constructor(kind: DefinitionKind) {
    this.#kind = kind;
  }

  /** Creates one, or sets all of it, and shows what became of it. */
  put(name: string, body: object, options: GlobalOptions): Promise<void> {
    return this.#change('PUT', name, body, options);
  }

  /** Changes what `body` names, and shows what became of it. */
  async patch(name: string, body: object, options: GlobalOptions): Promise<void> {
    if (Object.keys(body).length === 0)
      throw new CliError('usage', `nothing to change: name a setting, such as ${this.#kind.exampleOption}`);
    await this.#change('PATCH', name, body, options);
  }

  describeCommand(about: string): Command {
    return this.#named('describe', about).action(async (name: string, options: GlobalOptions) => {
      const definition = await withClient(options, (client) =>
        client.json<object>({ method: 'GET', path: this.#pathOf(client, name) }),
      );
      show(definition, options);
    });
  }

  switchCommand(verb: 'pause' | 'resume', about: string): Command {
    const enabled = verb === 'resume';
    return this.#named(verb, about).action((name: string, options: GlobalOptions) =>
      this.patch(name, { enabled }, options),
    );
  }

  deleteCommand(about: string): Command {
    return this.#named('delete', about).action(async (name: string, options: GlobalOptions) => {
      await withClient(options, (client) => client.remove(this.#pathOf(client, name)));
      if (options.json) printJson({ deleted: name });
      else print(`deleted ${name}`);
    });
  }

  #named(verb: string, about: string): Command {
    const { noun, exampleName } = this.#kind;
    return command(verb, about, `mayfly ${noun}s ${verb} ${exampleName}`).argument(`<${noun}>`, 'its name');
  }

  async #change(method: 'PUT' | 'PATCH', name: string, body: object, options: GlobalOptions): Promise<void> {
    const definition = await withClient(options, (client) =>
      client.change<object>(method, this.#pathOf(client, name), body),
    );
    show(definition, options);
  }

  #pathOf(client: Client, name: string): string {
    const { noun, segment } = this.#kind;
    return client.tenantPath(`/${segment}/${checkedNameOf(noun, name)}`);
  }
}

function show(definition: object, options: GlobalOptions): void {
  if (options.json) printJson(definition);
  else print(properties(definition));
}

/** Those that were given. */
export function given(settings: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}
