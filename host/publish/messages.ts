/** What passes between the host and its publishing process: paths and plain data, never bytes of an upload. */
import type { ErrorMessage } from '../errors/errors.ts';
import type { ArtifactManifest, HandlerKind, PublishStep, UploadKind } from '../model/artifact.ts';
import type { Digest } from '../model/ids.ts';
import type { PublishProgress } from '../model/publish-progress.ts';

/** One upload to make an artifact of. */
export interface PipelineJob {
  readonly uploadPath: string;
  readonly digest: Digest;
  /** The kind of handler that is asked for, or null for the preferred one. */
  readonly handler: HandlerKind | null;
  /** The function's bound on memory. */
  readonly memoryBytes: number;
  /** An empty folder; complete when the job is done, and of no use if it failed. */
  readonly stagingFolder: string;
}

export interface PipelineResult {
  readonly manifest: ArtifactManifest;
  readonly steps: readonly PublishStep[];
}

/** An upload that was published before, to look at again. */
export interface CheckJob {
  readonly uploadPath: string;
  readonly upload: UploadKind;
}

export interface CheckVerdict {
  /** Why it is refused; null where it is not. */
  readonly refusal: string | null;
}

export type PublishInput =
  | { readonly kind: 'job'; readonly job: PipelineJob }
  | { readonly kind: 'check'; readonly job: CheckJob };

/** Of what it was asked for. */
export type PublishResult = PipelineResult | CheckVerdict;

export type PublishOutput =
  | { readonly kind: 'progress'; readonly progress: PublishProgress }
  | { readonly kind: 'done'; readonly result: PublishResult; readonly isSpent: boolean }
  | {
      readonly kind: 'failed';
      readonly error: ErrorMessage;
      /** Stack of an unexpected error, for the host's log. */
      readonly trace: string | undefined;
      /** The process must not be used again: a tool crashed in it, or it holds much memory. */
      readonly isSpent: boolean;
    };
