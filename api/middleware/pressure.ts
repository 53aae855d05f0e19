import { monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { RequestHandler } from 'express';
import { ServiceError } from '../../shared/errors.ts';

/** How this process is doing. */
export interface Vitals {
  /** Mean recent delay of the event loop, in milliseconds. One body of 32 MiB that is parsed adds about 10. */
  loopDelayMs: number;
  /** Share of the recent time that the thread of the event loop was on a processor, 0 to 1. */
  ownShare: number;
  /** Used share of what the heap may grow to. */
  heapShare: number;
  /** Share of the memory that the container may take; 0 where it has no limit. */
  memoryShare: number;
}

const maxLoopDelayMs = 150;
/**
 * A loop that is late and on a processor for less than this waits for the machine and not for its own work. Refusing would
 * help nobody: at a load of 12 from other programs on two cores a newcomer's first batch was refused.
 */
const congestedShare = 0.5;
/** On a machine so busy, nothing new is answered in time. */
const hopelessDelayMs = 2_000;
const maxHeapShare = 0.85;
const maxMemoryShare = 0.9;

/** How long the vitals are averaged over, in milliseconds. */
const periodMs = 1_000;
const resolutionMs = 20;

/** Refuses new work while the process cannot keep up with what it has: decided before a body is read. */
export function createPressureGuard(vitals: () => Vitals = watchVitals()): RequestHandler {
  return (_request, _response, next) => {
    const { loopDelayMs, ownShare, heapShare, memoryShare } = vitals();
    const strained =
      loopDelayMs > (ownShare > congestedShare ? maxLoopDelayMs : hopelessDelayMs)
        ? `its event loop is ${Math.round(loopDelayMs)} ms late`
        : heapShare > maxHeapShare || memoryShare > maxMemoryShare
          ? 'its memory is nearly full'
          : undefined;
    if (strained === undefined) return next();
    throw new ServiceError('overloaded', `The service takes nothing new for a moment: ${strained}`, { retryAfter: 2 });
  };
}

/** Measures this process once a second. */
export function watchVitals(): () => Vitals {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  let current: Vitals = { loopDelayMs: 0, ownShare: 0, heapShare: 0, memoryShare: 0 };
  let [cpu, at] = [process.threadCpuUsage(), performance.now()];
  const limit = process.constrainedMemory();
  const timer = setInterval(() => {
    const { used_heap_size: used, heap_size_limit: heapLimit } = getHeapStatistics();
    const { user, system } = process.threadCpuUsage(cpu);
    const time = performance.now();
    current = {
      ownShare: (user + system) / 1_000 / (time - at),
      // The histogram's values include the interval it measures with.
      loopDelayMs: delay.count === 0 ? 0 : Math.max(0, delay.mean / 1e6 - resolutionMs),
      heapShare: used / heapLimit,
      // Without a limit the kernel names an absurd one.
      memoryShare: limit > 0 && limit < Number.MAX_SAFE_INTEGER ? process.memoryUsage.rss() / limit : 0,
    };
    delay.reset();
    [cpu, at] = [process.threadCpuUsage(), time];
  }, periodMs);
  timer.unref();
  return () => current;
}
