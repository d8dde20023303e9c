/** The content of a message or of a schedule's input: bytes with a media type. */
import { decodeUtf8 } from './encoding.ts';

const JSON_TYPE = /^application\/(?:[\w.!#$&^-]+\+)?json\s*(?:;|$)/i;
const TEXT_TYPE = /^text\//i;

export class EventContent {
  readonly contentType: string;
  readonly #bytes: Uint8Array;

  constructor(contentType: string, bytes: Uint8Array) {
    this.contentType = contentType;
    this.#bytes = bytes;
  }

  /** By its type: JSON parsed, text as a string, everything else as bytes. Throws for JSON that is none. */
  get body(): unknown {
    if (JSON_TYPE.test(this.contentType)) return this.json();
    return TEXT_TYPE.test(this.contentType) ? this.text() : this.#bytes;
  }

  bytes(): Uint8Array {
    return this.#bytes;
  }

  text(): string {
    return decodeUtf8(this.#bytes);
  }

  json(): unknown {
    return JSON.parse(this.text());
  }
}
