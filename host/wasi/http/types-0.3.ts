/** `wasi:http/types` (WASI 0.3): the four resources. No state: one object serves all. */
import { Fields } from './fields-0.3.ts';
import { Request } from './request-0.3.ts';
import { RequestOptions } from './request-options-0.3.ts';
import { Response } from './response-0.3.ts';

export const typesP3: Record<string, unknown> = { Fields, Request, RequestOptions, Response };
