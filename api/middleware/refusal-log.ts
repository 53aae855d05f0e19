import type { Code } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';

/** Limits the log lines about repeatedly refused callers. */
export interface RefusalLog {
  /**
   * Counts a refused request.
   * @returns true when it gets its own log line. The others of a minute are summed up in one line.
   */
  admits(caller: string, code: Code): boolean;
}

/** The maximum number of log lines per caller and minute. */
const linesPerCaller = 20;
const minuteMs = 60_000;
/**
 * The maximum number of callers that are counted separately. All others share one count, which bounds memory and log
 * lines.
 */
const maxCallers = 1_000;
const others = 'others';

interface Refusals {
  lines: number;
  /** Refused requests without their own log line, by error code. */
  summed: Map<Code, number>;
}

/** @param later calls `step` after some milliseconds; tests replace it. */
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
