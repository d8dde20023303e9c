/**
 * What calls of the host cost in fuel, so that a guest which does nothing but call the host is billed, comes to the
 * end of its slice and meets its deadline like one that computes. `docs/fuel.md` (host calls) is the normative text;
 * these are its figures.
 *
 * They are about what a guest could have executed in the same time. A call of the cheapest kind, the clock, takes
 * jco's glue and our code 2.6 to 5 µs (measured in a loop of them on a busy machine); at 10,000 a slice of nothing
 * but such calls is 1,000 of them, as long as a slice of computing in baseline code.
 */

/** A function of the host that answers at once; `resource.drop` and the like among them. */
export const CALL_COST = 10_000;

/** A function of the host that may wait: its guest's stack is switched away and back, through several promises. */
export const WAITING_CALL_COST = 20_000;

/** One byte of a string or of a list, or one number of a list. */
export const LENGTH_COST = 1;

/** Any other element of a list: a string, a pair of strings, a handle. The glue makes an object of each. */
export const ELEMENT_COST = 500;
