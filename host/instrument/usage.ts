import { LENGTH_KINDS } from './edits.ts';
import { ELEMENT_SIZES } from './object-size.ts';

/** What the code of a module needs from the host, found while analysing its functions. */
export interface MeterUsage {
  /** Any charge at all: without one a module is left as it is. */
  charges: boolean;
  /** False if some function already has as many locals as the engine allows. */
  hasRoomForCounter: boolean;
  /** Functions that end in a tail call, or that one ends in: both need the type they have. */
  readonly tailCallers: Set<number>;
  readonly tailCallees: Set<number>;
  readonly lengthKinds: boolean[];
  readonly grownMemories: Set<number>;
  readonly grownTables: Set<number>;
  /** Memories whose size code sees. */
  readonly sizedMemories: Set<number>;
  /** Tables whose entries code changes in any way, growing them included. */
  readonly writtenTables: Set<number>;
  readonly readData: Set<number>;
  readonly droppedData: Set<number>;
  readonly readElements: Set<number>;
  readonly droppedElements: Set<number>;
  /** Whether code makes structs or arrays. */
  allocates: boolean;
  /** Whether it makes arrays of a length known at run time, by the logarithm of their elements' size. */
  readonly arraySizes: boolean[];
}

export function emptyUsage(): MeterUsage {
  return {
    charges: false,
    hasRoomForCounter: true,
    tailCallers: new Set(),
    tailCallees: new Set(),
    lengthKinds: new Array<boolean>(LENGTH_KINDS).fill(false),
    grownMemories: new Set(),
    grownTables: new Set(),
    sizedMemories: new Set(),
    writtenTables: new Set(),
    readData: new Set(),
    droppedData: new Set(),
    readElements: new Set(),
    droppedElements: new Set(),
    allocates: false,
    arraySizes: new Array<boolean>(ELEMENT_SIZES).fill(false),
  };
}
