import { randomUUID } from 'node:crypto';
import { readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { type KeyUse, parseKeyUse, useFileOf } from '../../shared/api-keys.ts';
import type { Logger } from '../../shared/log.ts';

export interface KeyUses {
  record(id: string): void;
}

/** The minimum interval in ms between two writes of the file. */
const writeMs = 60_000;

/**
 * Stores when each key was last used, in a file next to the key file that several processes share. Simultaneous writes
 * lose one update, which the next use restores.
 * @param known returns the ids of all current keys. The times of other keys are dropped.
 */
export function createKeyUses(keyFile: string, known: () => Iterable<string>, log: Logger, everyMs = writeMs): KeyUses {
  let seen = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let wroteAt = Number.NEGATIVE_INFINITY;
  let reported = false;

  async function store(): Promise<void> {
    timer = undefined;
    wroteAt = performance.now();
    const uses = seen;
    seen = new Map();
    const file = useFileOf(await realpath(keyFile).catch(() => keyFile));
    const draft = `${file}.${randomUUID()}`;
    try {
      const former = parseKeyUse(await readFile(file, 'utf8').catch(() => ''));
      await writeFile(draft, `${JSON.stringify(latest(former, uses, known()))}\n`, { mode: 0o600 });
      await rename(draft, file);
    } catch (error) {
      await rm(draft, { force: true }).catch(() => {});
      // Logged once, because a directory that is mounted read-only stays read-only.
      if (!reported) log.info({ file, reason: (error as Error).message }, 'cannot store when API keys were last used');
      reported = true;
    }
  }

  return {
    record(id) {
      seen.set(id, Date.now());
      if (timer !== undefined) return;
      timer = setTimeout(() => void store(), Math.max(0, wroteAt + everyMs - performance.now()));
      // Times of the last minute may be lost when the process ends.
      timer.unref();
    },
  };
}

function latest(former: KeyUse, uses: ReadonlyMap<string, number>, known: Iterable<string>): KeyUse {
  const merged: KeyUse = {};
  for (const id of known) {
    const times = [Date.parse(former[id] ?? ''), uses.get(id) ?? Number.NaN].filter((time) => !Number.isNaN(time));
    if (times.length > 0) merged[id] = new Date(Math.max(...times)).toISOString();
  }
  return merged;
}
