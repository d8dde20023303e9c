/**
 * What WebAssembly instructions cost. `docs/fuel.md` is the normative text; these are its figures. A change to
 * any of them, or to where charges are placed, is a new model with a new name: old bills name the old one.
 */
export const FUEL_MODEL = 'mayfly-fuel/7';

/**
 * Bulk memory instructions pay one unit for each whole 8 bytes on top of their base. memcpy moves about
 * 10 GB/s, so 8 bytes take as long as one to two instructions.
 */
export const BYTES_PER_UNIT_SHIFT = 3;

/** A granted memory.grow pays for the pages that the kernel will have to zero: 65,536 bytes at 8 a unit. */
export const UNITS_PER_PAGE: number = 65_536 / 8;

/** Bulk table and array instructions pay one unit for each entry on top of their base. */
export const UNITS_PER_ENTRY = 1;

/**
 * What an exception costs on top of its instruction's 1 (`throw`, `throw_ref`, `rethrow`): the engine takes 130 to 240 ns to find its handler, as
 * long as for a thousand instructions of other code.
 */
export const EXCEPTION_UNITS = 1_000;

/** Asking to grow a memory or a table goes through the host, whatever it says: 350 to 450 ns. */
export const GROWTH_UNITS = 2_000;

/** What instructions cost on top that the engine calls its own code for, whatever their length: 10 to 60 ns. */
export const ENGINE_UNITS = 100;

/**
 * Lengths enter a charge clamped to this: no memory or table is that large, so a longer operation traps, and
 * the counter cannot wrap around.
 */
export const LENGTH_CLAMP: number = 2 ** 36;

/**
 * Declared locals (not parameters) that a call sets up for free; each further one costs 1 at the function's
 * entry. Compilers seldom declare more, while 50,000 of them are 400 KB of stack to clear per call.
 */
export const FREE_LOCALS = 64;

/**
 * The most fuel that a path through one function takes between two checks: where it would be exceeded, a check
 * is added. At 1,024 the extra checks are below 1 % of the code.
 */
export const CHECK_INTERVAL = 1_024;

/**
 * What a call counts as, besides its own code, in the distance from the last check: 64 in a row make one necessary. Without, a
 * thousand calls of functions that need no check could follow each other.
 */
export const CALL_SHARE = CHECK_INTERVAL / 64;

/**
 * The most that a function may cost, with all that it calls, to be called without a check. Four such calls in a row
 * make a check of their own necessary.
 */
export const BOUNDED_CALL = CHECK_INTERVAL / 4;

/**
 * What the local counter may hold at a check before it is settled with the account. Settling takes a mispredicted branch
 * and a call, up to 10 ns. Where V8 makes little of what it counts (recursion that is inlined, short loops), 4,096
 * instructions take 100 ns: settling then was 2 to 5 % of the time.
 */
export const CHUNK = 16_384;

/**
 * What the turns of a counted loop that are charged at once may cost. Between two such charges the engine's
 * prediction of the loop's branch fails once, which takes as long as about 50 instructions.
 */
export const TURNS_CHARGE = 4_096;
