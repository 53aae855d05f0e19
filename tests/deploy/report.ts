import { print } from '../../testing/command.ts';

/** The lines of a run: one for each check, and the number of those that failed. */
export interface Report {
  /** Runs one check and prints its result, with what it returned. A failure is printed, and the run continues. */
  check(name: string, run: () => unknown): Promise<boolean>;
  /** Prints what could not be checked here, and why. */
  skip(name: string, reason: string): void;
  /** Prints the totals. Returns the number of failures. */
  end(): number;
}

export function createReport(): Report {
  const counts = { ok: 0, failed: 0, skipped: 0 };
  return {
    async check(name, run) {
      const startedAt = performance.now();
      try {
        const found = await run();
        counts.ok += 1;
        const seconds = ((performance.now() - startedAt) / 1000).toFixed(1).padStart(6);
        print(`ok    ${seconds} s  ${name}${typeof found === 'string' ? `: ${found}` : ''}`);
        return true;
      } catch (error) {
        counts.failed += 1;
        print(`FAILED          ${name}: ${(error as Error).message.replaceAll('\n', '\n                ')}`);
        return false;
      }
    },
    skip(name, reason) {
      counts.skipped += 1;
      print(`skipped         ${name}: ${reason}`);
    },
    end() {
      print(`${counts.ok} ok, ${counts.failed} failed, ${counts.skipped} skipped`);
      return counts.failed;
    },
  };
}

/** @throws {Error} with both values unless they are equal as JSON. */
export function same(found: unknown, expected: unknown, what = 'value'): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what} is ${a}, and should be ${b}`);
}
