import type { CanonicalFunction } from '../model/link-plan.ts';
import { channelCancel, channelCopy, channelDrop, channelNew } from './channel-built-ins.ts';
import type { ComponentLink } from './component-link.ts';
import {
  backpressure,
  contextGet,
  contextSet,
  subtaskCancel,
  subtaskDrop,
  taskCancel,
  taskReturn,
  threadYield,
} from './task-built-ins.ts';
import {
  errorContextDrop,
  errorContextMessage,
  errorContextNew,
  waitableJoin,
  waitableSetDrop,
  waitableSetNew,
  waitableSetPoll,
  waitableSetWait,
} from './waitable-built-ins.ts';

/** A built-in of the component model's asynchronous half. */
export type BuiltIn = Exclude<CanonicalFunction, { readonly kind: 'lower' | 'adapter' | 'resource.drop' }>;

/** Gives a core import: a function, or a `WebAssembly.Suspending` where the guest may wait in it. */
export function builtIn(link: ComponentLink, made: BuiltIn): unknown {
  switch (made.kind) {
    case 'task.return':
      return taskReturn(link, made);
    case 'task.cancel':
      return taskCancel(link);
    case 'context.get':
      return contextGet(link, made);
    case 'context.set':
      return contextSet(link, made);
    case 'backpressure.set':
      return backpressure(link, 'set');
    case 'backpressure.inc':
      return backpressure(link, 'inc');
    case 'backpressure.dec':
      return backpressure(link, 'dec');
    case 'thread.yield':
      return threadYield(link);
    case 'subtask.cancel':
      return subtaskCancel(link, made);
    case 'subtask.drop':
      return subtaskDrop(link);
    case 'stream.new':
      return channelNew(link, 'stream', made.type);
    case 'future.new':
      return channelNew(link, 'future', made.type);
    case 'stream.read':
    case 'stream.write':
    case 'future.read':
    case 'future.write':
      return channelCopy(link, made.kind, made.type, made.options);
    case 'stream.cancel-read':
    case 'stream.cancel-write':
    case 'future.cancel-read':
    case 'future.cancel-write':
      return channelCancel(link, made.kind, made.type, made.isAsync);
    case 'stream.drop-readable':
    case 'stream.drop-writable':
    case 'future.drop-readable':
    case 'future.drop-writable':
      return channelDrop(link, made.kind, made.type);
    case 'error-context.new':
      return errorContextNew(link, made);
    case 'error-context.debug-message':
      return errorContextMessage(link, made);
    case 'error-context.drop':
      return errorContextDrop(link);
    case 'waitable-set.new':
      return waitableSetNew(link);
    case 'waitable-set.drop':
      return waitableSetDrop(link);
    case 'waitable.join':
      return waitableJoin(link);
    case 'waitable-set.wait':
      return waitableSetWait(link, made);
    case 'waitable-set.poll':
      return waitableSetPoll(link, made);
  }
}
