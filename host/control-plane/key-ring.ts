/**
 * Who a key belongs to, on a serving thread.
 *
 * 1. Whatever is sent costs one hash and, if it has the form of a key, one look-up by the id in it.
 * 2. What is compared are hashes, in constant time: how many bytes of them agree tells nothing about the key.
 * 3. A key that was revoked, or has expired, opens nothing from then on: what the look-up keeps is checked against
 *    the change counters, and times are compared at every use.
 */
import { timingSafeEqual } from 'node:crypto';
import type { KeyVerifier } from '../model/api-key.ts';
import type { Principal } from './authentication.ts';
import { hashOfKey, keyIdOf } from './key-text.ts';

export interface KeyRingPorts {
  readonly adminKey: string;
  /** What is known of a key, up to date; undefined where there is none. */
  readonly verifier: (id: string) => KeyVerifier | undefined | Promise<KeyVerifier | undefined>;
  readonly now: () => number;
  /** Told of every use of a tenant's key. */
  readonly used: (id: string) => void;
}

export class KeyRing {
  readonly #ports: KeyRingPorts;
  readonly #adminHash: Buffer;

  constructor(ports: KeyRingPorts) {
    this.#ports = ports;
    this.#adminHash = hashOfKey(ports.adminKey);
  }

  /** Undefined for what is no key of anybody's. */
  identify(text: string | undefined): Principal | undefined | Promise<Principal | undefined> {
    if (text === undefined) return undefined;
    const hash = hashOfKey(text);
    if (timingSafeEqual(hash, this.#adminHash)) return { kind: 'operator' };
    const id = keyIdOf(text);
    if (id === undefined) return undefined;
    const found = this.#ports.verifier(id);
    return found instanceof Promise
      ? found.then((verifier) => this.#verify(hash, verifier))
      : this.#verify(hash, found);
  }

  #verify(hash: Buffer, verifier: KeyVerifier | undefined): Principal | undefined {
    if (verifier === undefined) return undefined;
    const nowMs = this.#ports.now();
    const {
      id,
      tenant,
      scopes,
      previousHash,
      previousUntilMs = 0,
      expiresAtMs = Number.POSITIVE_INFINITY,
    } = verifier;
    const isCurrent = timingSafeEqual(hash, verifier.hash);
    const isPrevious = previousHash !== undefined && timingSafeEqual(hash, previousHash);
    if (nowMs >= expiresAtMs) return undefined;
    if (!isCurrent && !(isPrevious && nowMs < previousUntilMs)) return undefined;
    this.#ports.used(id);
    return { kind: 'key', keyId: id, tenant, scopes };
  }
}
