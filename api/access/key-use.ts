import { randomUUID } from 'node:crypto';
import { readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { type KeyUse, parseKeyUse, useFileOf } from '../../shared/api-keys.ts';
import type { Logger } from '../../shared/log.ts';

/** When keys were last used, stored beside their file. */
export interface KeyUses {
  /** A request came with this key. */
  saw(id: string): void;
}

/** The file is written at most this often, in milliseconds: authentication must not wait for a disk. */
const writeMs = 60_000;

/**
 * Several processes share the file: each keeps the later time of each key. Of two that write in the same moment one is
 * lost, and writes again a minute after the next use.
 * @param known the ids of the keys there are; the times of others are forgotten.
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
      // A directory that is mounted read-only stays so.
      if (!reported) log.info({ file, reason: (error as Error).message }, 'the last use of API keys is not stored');
      reported = true;
    }
  }

  return {
    saw(id) {
      seen.set(id, Date.now());
      if (timer !== undefined) return;
      timer = setTimeout(() => void store(), Math.max(0, wroteAt + everyMs - performance.now()));
      // An update that is a minute old at most is not worth a process that does not end.
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
