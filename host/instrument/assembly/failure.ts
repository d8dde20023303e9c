declare function failAtHost(code: i32, what: string, at: i32): void;

/** Codes of error.ts, in this order. */
enum Failure {
  Malformed = 0,
  TooComplex = 1,
  Unsupported = 2,
}

/** The module is not WebAssembly, as is seen at `at`. Does not return. */
export function malformed(what: string, at: i32): void {
  failAtHost(Failure.Malformed, what, at);
  unreachable();
}

export function unsupported(what: string, at: i32): void {
  failAtHost(Failure.Unsupported, what, at);
  unreachable();
}

export function tooComplex(what: string, at: i32): void {
  failAtHost(Failure.TooComplex, what, at);
  unreachable();
}

export function tooMany(count: i64, bound: i32, what: string, at: i32): void {
  tooComplex(`${count} ${what}; the bound is ${bound}`, at);
}

/** A rule of this folder is broken. Does not return. */
export function broken(what: string): void {
  failAtHost(-1, what, 0);
  unreachable();
}
