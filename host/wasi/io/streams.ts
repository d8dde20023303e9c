/** `wasi:io/streams` (WASI 0.2): the two resources; one file each. */
export { closed, InputStream, type StreamError, type StreamOptions, streamFailure } from './input-stream.ts';
export { OutputStream } from './output-stream.ts';
