import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Logger } from './log.ts';

/** How often the process is looked at, in milliseconds. */
const lookEveryMs = 5_000;
/** A process whose event loop works for less than this share of the time is idle. */
const idleShare = 0.1;
/** A process that has grown by less since its last collection is left alone, in bytes: a collection takes 0.1 s. */
const grownBytes = 32 * 1024 * 1024;

export interface IdleMemoryOptions {
  /** Share of the time since the last call in which the event loop has worked. */
  workShare?: () => number;
  residentBytes?: () => number;
  /** Collects garbage and returns free pages to the system. */
  collect?: () => void;
}

/**
 * Returns memory to the system once the process is idle. V8 keeps the pages that a burst of work has needed, until its next
 * collection that reduces memory, which an idle process may never reach: an API stayed 70 to 130 MiB above idle for minutes
 * after four uploads of 13.5 MB, and was back at idle after one such collection of 90 ms.
 * @returns stops it.
 */
export function releaseMemoryWhenIdle(log: Pick<Logger, 'debug'>, options: IdleMemoryOptions = {}): () => void {
  const {
    workShare = workShareOfLoop(),
    residentBytes = () => process.memoryUsage.rss(),
    collect = collectorOfV8(),
  } = options;
  let least = residentBytes();
  const timer = setInterval(() => {
    const isIdle = workShare() < idleShare;
    const before = residentBytes();
    least = Math.min(least, before);
    if (!isIdle || before - least < grownBytes) return;
    const start = performance.now();
    collect();
    const after = residentBytes();
    // What stays is in use, or in the allocator of C: it is not collected again.
    least = after;
    log.debug({ before, after, ms: Math.round(performance.now() - start) }, 'memory returned to the system');
  }, lookEveryMs).unref();
  return () => clearInterval(timer);
}

function workShareOfLoop(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}

/** A collection of the flavor `last-resort` is the one that frees all pages. */
function collectorOfV8(): () => void {
  setFlagsFromString('--expose-gc');
  const collect: NodeJS.GCFunction = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  return () => void collect({ type: 'major', flavor: 'last-resort', execution: 'sync' });
}
