import { monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { RequestHandler } from 'express';
import { ServiceError } from '../../shared/errors.ts';

/** The load of this process over the last second. */
export interface Vitals {
  /** The mean delay of the event loop in ms. Parsing a 32 MiB body adds about 10 ms. */
  loopDelayMs: number;
  /** The share of the time in which the event loop's thread ran on a CPU, 0 to 1. */
  ownShare: number;
  /** The used share of the maximum heap size, 0 to 1. */
  heapShare: number;
  /** The used share of the container's memory limit, 0 to 1; 0 without a limit. */
  memoryShare: number;
}

const maxLoopDelayMs = 150;
/**
 * Below this share of CPU time, other programs delay the event loop, and refusing requests would not help. Without this
 * rule, a machine with 2 cores and load average 12 refused a client's first batch.
 */
const congestedShare = 0.5;
/** The event loop delay in ms above which requests are refused even if other programs cause it. */
const hopelessDelayMs = 2_000;
const maxHeapShare = 0.85;
const maxMemoryShare = 0.9;

const periodMs = 1_000;
const resolutionMs = 20;

/** Refuses work before reading its body while the process is overloaded. */
export function createPressureGuard(vitals: () => Vitals = watchVitals()): RequestHandler {
  return (_request, _response, next) => {
    const { loopDelayMs, ownShare, heapShare, memoryShare } = vitals();
    const overload =
      loopDelayMs > (ownShare > congestedShare ? maxLoopDelayMs : hopelessDelayMs)
        ? `event loop delay ${Math.round(loopDelayMs)} ms`
        : heapShare > maxHeapShare || memoryShare > maxMemoryShare
          ? 'memory nearly full'
          : undefined;
    if (overload === undefined) return next();
    throw new ServiceError('overloaded', `Overloaded (${overload}); retry shortly`, { retryAfter: 2 });
  };
}

/** Measures the load every second, and returns a function that returns the latest measurement. */
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
      // The histogram includes the sampling interval.
      loopDelayMs: delay.count === 0 ? 0 : Math.max(0, delay.mean / 1e6 - resolutionMs),
      heapShare: used / heapLimit,
      // Without a memory limit, the kernel reports an absurdly large number.
      memoryShare: limit > 0 && limit < Number.MAX_SAFE_INTEGER ? process.memoryUsage.rss() / limit : 0,
    };
    delay.reset();
    [cpu, at] = [process.threadCpuUsage(), time];
  }, periodMs);
  timer.unref();
  return () => current;
}
