/**
 * Imports that may suspend the guest (JSPI), as jco's `asyncImports` wants them: without a version, so that
 * one entry matches every 0.2.x. Everything else of WASI 0.2 answers at once. WASI 0.3 needs no such list: its
 * `async func`s say so themselves.
 */
export const SUSPENDING_IMPORTS: readonly string[] = [
  'wasi:io/poll#poll',
  'wasi:io/poll#[method]pollable.block',
  'wasi:io/streams#[method]input-stream.blocking-read',
  'wasi:io/streams#[method]input-stream.blocking-skip',
  'wasi:io/streams#[method]output-stream.blocking-write-and-flush',
  'wasi:io/streams#[method]output-stream.blocking-flush',
  'wasi:io/streams#[method]output-stream.blocking-write-zeroes-and-flush',
  'wasi:io/streams#[method]output-stream.blocking-splice',
];
