/** Proposals that code makes use of, by their bits in a set, as in ../features.ts. */
export enum Feature {
  SignExtension = 1,
  SaturatingFloatToInt = 2,
  MultiValue = 4,
  BulkMemory = 8,
  ReferenceTypes = 16,
  Simd = 32,
  MultiMemory = 64,
  TailCall = 128,
  LegacyExceptions = 256,
  Exceptions = 512,
  FunctionReferences = 4_096,
  Gc = 8_192,
}
