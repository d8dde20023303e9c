import test from 'ava';
import { toProblemDetails } from '../../host/errors/errors.ts';

const failing = (fields: object): Error => Object.assign(new Error('/srv/secret/path'), fields);

test('a full disk is named, whoever writes to it, and its paths are not', (t) => {
  for (const fields of [{ code: 'ENOSPC' }, { code: 'EDQUOT' }, { code: 'ERR_SQLITE_ERROR', errcode: 13 }]) {
    const problem = toProblemDetails(failing(fields));
    t.like(problem, { code: 'disk_full', status: 507, fault: 'host' });
    t.notRegex(JSON.stringify(problem), /secret/);
  }
});

test('what else goes wrong stays unexpected', (t) => {
  for (const error of [failing({ code: 'EIO' }), failing({ errcode: 10 }), 'ENOSPC', undefined])
    t.is(toProblemDetails(error).code, 'internal_error');
});
