import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { type Command, InvalidArgumentError } from 'commander';
import type { SecretJson } from '../../../host/control-plane/secrets.ts';
import { ENVIRONMENT_NAME } from '../../../host/model/function-configuration.ts';
import type { Client } from '../client.ts';
import { command, commandGroup, withClient } from '../command.ts';
import { CliError } from '../exit-code.ts';
import { checkedName, type GlobalOptions } from '../settings.ts';
import { print, printJson, table } from '../terminal.ts';

export function secretsCommand(): Command {
  const example = 'mayfly secrets set hello API_TOKEN < token.txt';
  return commandGroup('secrets', 'set values that only a function sees, in its environment', example, [
    setCommand(),
    listCommand(),
    deleteCommand(),
  ]);
}

function setCommand(): Command {
  return command(
    'set',
    'set a secret; the value comes from standard input or a file, never from the command line, which others see',
    'mayfly secrets set hello API_TOKEN < token.txt\nmayfly secrets set hello TLS_KEY --file key.pem',
  )
    .argument('<function>', 'whose secret it is')
    .argument('<name>', 'the environment variable that holds it', parseName)
    .option(
      '--file <path>',
      'the value, byte for byte; from standard input, one line end is taken off its end',
    )
    .action(async (name: string, secret: string, options: GlobalOptions & { readonly file?: string }) => {
      checkedName(name);
      const value = await readValue(options.file);
      await withClient(options, async (client) => {
        const { body } = await client.send({
          method: 'PUT',
          path: secretsPath(client, name, secret),
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ value }),
        });
        await body.dump();
      });
      if (options.json) printJson({ set: secret });
      else print(`set ${secret} of ${name}`);
    });
}

function listCommand(): Command {
  return command('list', 'list the names of the secrets of a function', 'mayfly secrets list hello')
    .argument('<function>', 'whose secrets')
    .action(async (name: string, options: GlobalOptions) => {
      const secrets = await withClient(options, (client) =>
        client.json<SecretJson[]>({ method: 'GET', path: secretsPath(client, checkedName(name)) }),
      );
      if (options.json) printJson(secrets);
      else if (secrets.length === 0) print('no secrets yet');
      else
        print(
          table(
            ['NAME', 'UPDATED'],
            secrets.map((secret) => [secret.name, secret.updatedAt]),
          ),
        );
    });
}

function deleteCommand(): Command {
  return command('delete', 'delete a secret', 'mayfly secrets delete hello API_TOKEN')
    .argument('<function>', 'whose secret it is')
    .argument('<name>', 'the environment variable that holds it', parseName)
    .action(async (name: string, secret: string, options: GlobalOptions) => {
      await withClient(options, async (client) => {
        const path = secretsPath(client, checkedName(name), secret);
        const { body } = await client.send({ method: 'DELETE', path });
        await body.dump();
      });
      if (options.json) printJson({ deleted: secret });
      else print(`deleted ${secret} of ${name}`);
    });
}

function secretsPath(client: Client, name: string, secret?: string): string {
  return client.functionsPath(`/${name}/secrets${secret === undefined ? '' : `/${secret}`}`);
}

function parseName(name: string): string {
  if (ENVIRONMENT_NAME.test(name)) return name;
  throw new InvalidArgumentError('It is the name of an environment variable, such as API_TOKEN.');
}

async function readValue(file: string | undefined): Promise<string> {
  if (file !== undefined) {
    return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw new CliError('usage', error.code === 'ENOENT' ? `${file} does not exist` : error.message);
    });
  }
  // Typed in the open, it would stay on the screen.
  if (process.stdin.isTTY)
    throw new CliError('usage', 'give the value on standard input (`< token.txt`) or with --file');
  return (await text(process.stdin)).replace(/\r?\n$/, '');
}
