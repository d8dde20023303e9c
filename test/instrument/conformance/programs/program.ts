/**
 * A program around somebody's module: gives bytes that depend on what the module computed and on nothing else. The
 * folder is where its packages are installed; empty for this project's own.
 */
export type Program = (packagesFolder: string) => Promise<Uint8Array | string>;
