import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

interface Database {
  run(sql: string, values?: unknown[]): void;
  exec(sql: string): unknown[];
  export(): Uint8Array;
}

/** A database: its rows, and its file. */
export default async function run(packages: string): Promise<Uint8Array> {
  const require = createRequire(pathToFileURL(`${packages}/package.json`));
  const start = require('sql.js') as () => Promise<{ Database: new () => Database }>;
  const { Database } = await start();
  const db = new Database();
  db.run('create table t (id integer primary key, name text, weight real); create index by_name on t (name)');
  db.run('begin');
  for (let i = 0; i < 3_000; i++)
    db.run('insert into t values (?, ?, ?)', [i, `n${(i * 7919) % 1009}`, i / 7]);
  db.run('commit');
  const answers = [
    'select name, count(*), sum(weight), group_concat(id) from t group by name order by name limit 100',
    'with recursive fib(a, b) as (select 0, 1 union all select b, a + b from fib where b < 1e15) select a from fib',
    "select a.id, b.id from t a join t b on a.name = b.name and a.id < b.id where a.name like 'n1%' order by 1, 2",
    "select printf('%.15g', avg(weight)), json_group_array(upper(name)) from t where id < 50",
  ].map((sql) => db.exec(sql));
  return Buffer.concat([Buffer.from(JSON.stringify(answers)), db.export()]);
}
