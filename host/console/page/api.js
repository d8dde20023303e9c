/** The public API, /v1, with the key of whoever signed in. The page has no other source and no other way to act. */
import { problemFrom, problemOf } from './problem.js';

/** @import { Session } from './session.js' */

/**
 * @typedef {object} UploadSteps
 * @property {AbortSignal} signal
 * @property {(sent: number, total: number) => void} onSent
 * @property {() => void} onReceived the last byte has left; the host checks and compiles
 * @property {(progress: PublishProgress) => void} onProgress what the host is at
 */

/** @typedef {import('../../model/publish-progress.ts').PublishProgress} PublishProgress */
/** @typedef {import('../../control-plane/publish-stream.ts').PublishEventJson} PublishEvent */
/** @typedef {import('../../control-plane/publish-stream.ts').PublishOutcomeJson} PublishOutcome */

export class Api {
  #key;

  #scopes;

  /** @param {Partial<Session> & { readonly key: string }} session */
  constructor({ key, tenant = '', scopes = [], traceUrl }) {
    this.#key = key;
    this.#scopes = scopes;
    /** Empty for the operator. */
    this.tenant = tenant;
    /** Where a trace can be looked at, with `{trace_id}` in it. */
    this.traceUrl = traceUrl;
  }

  /**
   * Whether the host would let this key do it; what it would refuse is not offered.
   * @param {'admin' | 'deploy' | 'invoke' | 'read'} scope
   */
  may(scope) {
    return ['operator', 'admin', scope].some((one) => this.#scopes.includes(one));
  }

  get isOperator() {
    return this.tenant === '';
  }

  /**
   * @param {string} path below /v1
   * @param {{ query?: Record<string, string | number | undefined>, signal?: AbortSignal, method?: string, body?: unknown }} [options]
   * @returns {Promise<any>} its JSON
   */
  async ask(path, { query = {}, signal, method = 'GET', body } = {}) {
    const response = await this.#fetch(path, query, {
      method,
      ...(signal === undefined ? {} : { signal }),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return response.status === 204 ? undefined : response.json();
  }

  /**
   * All pages of rows of usage, up to `maxPages`.
   * @param {string} path
   * @param {Record<string, string | number | undefined>} query
   * @param {AbortSignal} signal
   * @returns {Promise<import('../../control-plane/usage-schemas.ts').UsageRollupJson[]>}
   */
  async rollups(path, query, signal, maxPages = 20) {
    const rows = [];
    let after;
    for (let page = 0; page < maxPages; page++) {
      const answer = await this.ask(path, { query: { ...query, after }, signal });
      rows.push(...answer.rows);
      after = answer.next;
      if (after === undefined) break;
    }
    return rows;
  }

  /**
   * The records of a function's log, the newest first few and then each as it is written, until `signal` is aborted.
   * @param {string} path
   * @param {AbortSignal} signal
   * @returns {AsyncGenerator<import('../../control-plane/schemas.ts').LogRecordJson>}
   */
  async *follow(path, signal) {
    const response = await this.#fetch(path, { follow: 'true', limit: 100 }, { signal });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    while (reader !== undefined) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + value).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') yield JSON.parse(line);
    }
  }

  /**
   * `fetch` does not say how much of a body has left; XMLHttpRequest does.
   * @param {string} path
   * @param {Blob} component
   * @param {UploadSteps} steps
   * @returns {Promise<PublishOutcome>}
   */
  upload(path, component, { signal, onSent, onReceived, onProgress }) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open('PUT', `/v1${path}`);
      request.setRequestHeader('authorization', `Bearer ${this.#key}`);
      request.setRequestHeader('content-type', 'application/wasm');
      request.setRequestHeader('accept', 'application/x-ndjson');
      let read = 0;
      /** @type {PublishEvent | undefined} */
      let last;
      const readLines = () => {
        for (;;) {
          const end = request.responseText.indexOf('\n', read);
          if (end < 0) return;
          last = JSON.parse(request.responseText.slice(read, end));
          read = end + 1;
          if (last !== undefined && 'progress' in last)
            onProgress(/** @type {PublishProgress} */ (last.progress));
        }
      };
      request.addEventListener('progress', () => request.status === 200 && readLines());
      request.upload.addEventListener('progress', ({ loaded, total }) => onSent(loaded, total));
      request.upload.addEventListener('load', onReceived);
      request.addEventListener('error', () => reject(problemFrom(0, '')));
      request.addEventListener('abort', () => reject(signal.reason));
      request.addEventListener('load', () => {
        if (request.status !== 200) return reject(problemFrom(request.status, request.responseText));
        readLines();
        if (last !== undefined && 'published' in last) resolve(last);
        else if (last !== undefined && 'problem' in last)
          reject(problemFrom(last.problem.status, JSON.stringify(last.problem)));
        else reject(problemFrom(0, ''));
      });
      signal.addEventListener('abort', () => request.abort());
      request.send(component);
    });
  }

  /** For a function whose URL wants a key. */
  get authorization() {
    return `Bearer ${this.#key}`;
  }

  /**
   * @param {string} path
   * @param {Record<string, string | number | undefined>} query
   * @param {RequestInit} init
   */
  async #fetch(path, query, init) {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
    const headers = {
      authorization: this.authorization,
      ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const options = {
      ...init,
      headers,
      credentials: /** @type {const} */ ('omit'),
      cache: /** @type {const} */ ('no-store'),
    };
    const response = await fetch(`/v1${path}${search === '' ? '' : `?${search}`}`, options).catch((cause) => {
      throw init.signal?.aborted ? cause : problemOf(cause);
    });
    if (response.ok) return response;
    throw problemFrom(response.status, await response.text());
  }
}

/**
 * Segments of a path, each of them escaped.
 * @param {TemplateStringsArray} texts
 * @param {string[]} names
 */
export function path(texts, ...names) {
  return texts.reduce((whole, text, index) => `${whole}${encodeURIComponent(names[index - 1] ?? '')}${text}`);
}
