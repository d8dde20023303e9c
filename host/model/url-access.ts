import { z } from 'zod';
import { NAME_PATTERN } from './ids.ts';

/** A header field's name, in the lower case that HTTP/2 and we use. */
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]{1,100}$/;
const fieldNameSchema = z.string().toLowerCase().regex(FIELD_NAME, 'must be the name of a header field');

/** Identity headers beyond these are no identity, but a request. */
const IDENTITY_HEADERS = 8;

/**
 * Who may call a function's URL. `public`: anybody. `key`: whoever has a key of the tenant with the scope `invoke`.
 * `authorizer`: whoever another function of the tenant lets in.
 */
export const urlAccessSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('public') }),
  z.strictObject({ type: z.literal('key') }),
  z.strictObject({
    type: z.literal('authorizer'),
    function: z.string().regex(NAME_PATTERN).describe('A function of the same tenant.'),
    identityHeaders: z
      .array(fieldNameSchema)
      .max(IDENTITY_HEADERS)
      .default(['authorization'])
      .describe(
        'What tells callers apart. A request without one of them is refused; answers are kept by their values, and not at all where there are none.',
      ),
  }),
]);

export type UrlAccess = z.infer<typeof urlAccessSchema>;

/** Lists of CORS fields are sent whole with every answer. */
const LIST_ITEMS = 64;
/** What browsers keep a preflight's answer for at most is two hours; Lambda takes a day. */
const MAX_AGE_SECONDS = 86_400;

const originSchema = z
  .string()
  .max(300)
  .refine((text) => text === '*' || isOrigin(text), 'must be an origin such as https://example.com, or *');

const methodSchema = z.union([
  z.literal('*'),
  z.string().regex(/^[A-Z]{1,20}$/, 'must be a method such as PUT'),
]);

/** The fetch standard: with credentials, a browser takes `*` for a name like any other. */
const CREDENTIALS_RULE = 'must not be * where allowCredentials is true';

/**
 * What scripts of other origins may do with a function's URL (the fetch standard, section 3.3), in the terms of
 * Lambda's function URLs. The host answers preflights, and sets these fields of every answer itself.
 */
export const corsSchema = z
  .strictObject({
    allowOrigins: z.array(originSchema).min(1).max(LIST_ITEMS),
    allowMethods: z.array(methodSchema).max(LIST_ITEMS).default([]),
    allowHeaders: z
      .array(fieldNameSchema.or(z.literal('*')))
      .max(LIST_ITEMS)
      .default([]),
    exposeHeaders: z
      .array(fieldNameSchema.or(z.literal('*')))
      .max(LIST_ITEMS)
      .default([]),
    maxAge: z
      .number()
      .int()
      .min(0)
      .max(MAX_AGE_SECONDS)
      .default(0)
      .describe('Unit: s. How long a browser may keep the answer to a preflight.'),
    allowCredentials: z.boolean().default(false),
  })
  .superRefine((cors, context) => {
    for (const name of ['allowOrigins', 'allowMethods', 'allowHeaders', 'exposeHeaders'] as const) {
      if (!cors[name].includes('*')) continue;
      if (cors.allowCredentials)
        context.addIssue({ code: 'custom', path: [name], message: CREDENTIALS_RULE });
      if (cors[name].length > 1)
        context.addIssue({ code: 'custom', path: [name], message: 'must not name anything beside *' });
    }
  });

export type Cors = z.infer<typeof corsSchema>;

/** Exactly as a browser sends it in `Origin`: scheme, host, and a port that is not the scheme's own. */
function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && url.origin === text && url.origin !== 'null';
}
