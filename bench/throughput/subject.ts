import type { ServerProcess } from './server-process.ts';

/** Something that answers with the text that all answer with. */
export interface Subject {
  readonly name: string;
  readonly port: number;
  readonly path: string;
  readonly server: ServerProcess;
}

export const TEXT = 'A mayfly lives for a day.\n';
