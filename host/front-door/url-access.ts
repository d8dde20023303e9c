/**
 * Who may call a function's URL, and what of a request the function sees.
 *
 * Invariants:
 *  1. A request is let through by what the function's settings say and by nothing else; what throws refuses it.
 *  2. A key that opens something of this host is shown to no function, on public URLs neither: whoever sends one by
 *     mistake has not given it away.
 *  3. What the host says of a caller in a header field, no caller can say.
 */
import type { IncomingMessage } from 'node:http';
import { bearerKey, type Principal, refusalOf } from '../control-plane/authentication.ts';
import { MayflyError } from '../errors/errors.ts';
import type { LiveFunction } from '../model/function-version.ts';
import type { HeaderList } from '../wasi/context.ts';
import type { Authorization, UrlRequest } from './authorizer.ts';
import { fieldValues, isOwnKey, KEY_FIELD } from './request-fields.ts';

export const CONTEXT_FIELD = 'mayfly-authorizer-context';

/** What the function sees of a request that was let through, beside what was sent. */
export interface Passage {
  /** Header fields that it does not see. */
  readonly hidden: ReadonlySet<string>;
  /** Header fields that the host adds. */
  readonly added: HeaderList;
}

export interface UrlGuardPorts {
  readonly identify: (key: string) => Principal | undefined | Promise<Principal | undefined>;
  readonly authorize: (
    target: LiveFunction,
    access: Extract<LiveFunction['configuration']['access'], { readonly type: 'authorizer' }>,
    request: UrlRequest,
    gone: AbortSignal,
  ) => Promise<Authorization>;
}

const NOTHING_ADDED: HeaderList = [];
const PUBLIC: Passage = { hidden: new Set([CONTEXT_FIELD]), added: NOTHING_ADDED };
const WITHOUT_AUTHORIZATION: Passage = {
  hidden: new Set([CONTEXT_FIELD, 'authorization']),
  added: NOTHING_ADDED,
};
const WITHOUT_KEYS: Passage = {
  hidden: new Set([CONTEXT_FIELD, 'authorization', KEY_FIELD]),
  added: NOTHING_ADDED,
};

export class UrlGuard {
  readonly #ports: UrlGuardPorts;

  constructor(ports: UrlGuardPorts) {
    this.#ports = ports;
  }

  /**
   * @param untilGone asked for only if something has to be waited for: aborts when the caller hangs up
   * @throws MayflyError unauthenticated, forbidden, authorizer_denied, authorizer_failed, caller_gone
   */
  admit(live: LiveFunction, request: UrlRequest, untilGone: () => AbortSignal): Passage | Promise<Passage> {
    const { access } = live.configuration;
    switch (access.type) {
      case 'public':
        return carriesOwnKey(request.incoming) ? WITHOUT_KEYS : PUBLIC;
      case 'key':
        return this.#withKey(live, request.incoming);
      case 'authorizer':
        return this.#ports.authorize(live, access, request, untilGone()).then(({ context }) => {
          const { hidden } = carriesOwnKey(request.incoming) ? WITHOUT_KEYS : PUBLIC;
          return { hidden, added: context === undefined ? [] : [[CONTEXT_FIELD, Buffer.from(context)]] };
        });
    }
  }

  async #withKey({ tenant }: LiveFunction, incoming: IncomingMessage): Promise<Passage> {
    const { key, passage } = credentialsOf(incoming);
    const principal = await this.#ports.identify(key);
    if (principal === undefined) {
      throw new MayflyError('unauthenticated', 'The request carries no valid API key.');
    }
    const refusal = refusalOf(principal, 'invoke', tenant);
    if (refusal !== undefined) throw new MayflyError('forbidden', refusal);
    return passage;
  }
}

/**
 * The one key that a request shows: in `x-api-key`, where the function has a use of its own for `Authorization`, or
 * in that. Two of a kind are a disagreement about who is calling.
 */
function credentialsOf(incoming: IncomingMessage): { readonly key: string; readonly passage: Passage } {
  const own = fieldValues(incoming, KEY_FIELD);
  const bearer = fieldValues(incoming, 'authorization');
  if (own.length === 1) {
    const isOwn = bearer.some((value) => isOwnKey('authorization', value));
    return { key: own[0]!, passage: isOwn ? WITHOUT_KEYS : WITHOUT_KEY_FIELD };
  }
  const key = own.length === 0 && bearer.length === 1 ? bearerKey(bearer[0]) : undefined;
  if (key !== undefined) return { key, passage: WITHOUT_AUTHORIZATION };
  throw new MayflyError(
    'unauthenticated',
    `Send one key, as \`Authorization: Bearer <key>\` or \`${KEY_FIELD}: <key>\`.`,
  );
}

const WITHOUT_KEY_FIELD: Passage = { hidden: new Set([CONTEXT_FIELD, KEY_FIELD]), added: NOTHING_ADDED };

function carriesOwnKey(incoming: IncomingMessage): boolean {
  return ['authorization', KEY_FIELD].some((name) =>
    fieldValues(incoming, name).some((value) => isOwnKey(name, value)),
  );
}
