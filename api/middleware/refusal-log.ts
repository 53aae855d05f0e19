import type { Code } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';

/** Limits the log lines for callers whose requests are refused repeatedly. */
export interface RefusalLog {
  /**
   * Counts a refused request of a caller.
   * @returns true when this request must get its own log line. Each caller gets a limited number of such lines per
   * minute. Its further refused requests are summed up in one line at the end of the minute.
   */
  admits(caller: string, code: Code): boolean;
}

/** The maximum number of log lines for one caller in a minute: enough to see why its requests are refused. */
const linesPerCaller = 20;
const minuteMs = 60_000;
/**
 * The maximum number of callers that are counted separately in a minute. All further callers share one count, which
 * bounds memory and log lines.
 */
const maxCallers = 1_000;
const others = 'others';

interface Refusals {
  lines: number;
  /** The number of refused requests that got no separate log line, by error code. */
  summed: Map<Code, number>;
}

/** Creates a log of refused requests. @param later calls a function after some milliseconds; tests replace it. */
export function createRefusalLog(
  log: Pick<Logger, 'info'>,
  later: (step: () => void, milliseconds: number) => void = (step, milliseconds) =>
    setTimeout(step, milliseconds).unref(),
): RefusalLog {
  const byCaller = new Map<string, Refusals>();

  function refusalsOf(given: string): Refusals {
    const caller = byCaller.has(given) || byCaller.size < maxCallers ? given : others;
    let refusals = byCaller.get(caller);
    if (refusals === undefined) {
      const begun: Refusals = { lines: 0, summed: new Map() };
      refusals = begun;
      byCaller.set(caller, begun);
      later(() => {
        byCaller.delete(caller);
        if (begun.summed.size === 0) return;
        const refused = [...begun.summed.values()].reduce((sum, count) => sum + count, 0);
        log.info({ caller, refused, codes: Object.fromEntries(begun.summed) }, 'further refused requests');
      }, minuteMs);
    }
    return refusals;
  }

  return {
    admits(caller, code) {
      const refusals = refusalsOf(caller);
      if (refusals.lines < linesPerCaller) {
        refusals.lines++;
        return true;
      }
      refusals.summed.set(code, (refusals.summed.get(code) ?? 0) + 1);
      return false;
    },
  };
}
