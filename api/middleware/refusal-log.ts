import type { Code } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';

/** Keeps requests that are refused again and again from filling the log. */
export interface RefusalLog {
  /**
   * Counts a refusal of a caller.
   * @returns whether it has a line of its own; the others of the minute share one line at its end.
   */
  admits(caller: string, code: Code): boolean;
}

/** Refusals of one caller that have their own lines in a minute: enough to see what is wrong with its requests. */
const linesPerCaller = 20;
const minuteMs = 60_000;
/** Callers that are told apart in a minute; the others count as one. Bounds the memory, and the lines. */
const maxCallers = 1_000;
const others = 'others';

interface Refusals {
  lines: number;
  /** Refusals without a line, by code. */
  summed: Map<Code, number>;
}

/** @param later runs a step after some milliseconds; tests choose the moment. */
export function createRefusalLog(
  log: Pick<Logger, 'info'>,
  later: (step: () => void, milliseconds: number) => void = (step, milliseconds) =>
    setTimeout(step, milliseconds).unref(),
): RefusalLog {
  const byCaller = new Map<string, Refusals>();

  function refusalsOf(asked: string): Refusals {
    const caller = byCaller.has(asked) || byCaller.size < maxCallers ? asked : others;
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
