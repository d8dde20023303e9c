import type { PublishStep } from './artifact.ts';

/**
 * What a publish is at: told when a step begins, and again with its time when it is over. A step may begin more than
 * once; its time is that of all of it then.
 */
export interface PublishProgress {
  /** `wait` for other uploads, the steps that make the artifact, `activate`: the version answers; `warm`: an instance lies ready. */
  readonly step: 'wait' | PublishStep['name'] | 'activate' | 'warm';
  /** Absent while it runs. */
  readonly ms?: number;
}

export type OnPublishProgress = (progress: PublishProgress) => void;
