import { gzipSync } from 'node:zlib';
import type { Attack } from './hostile.ts';

/** Attacks with batches by reference to files that are slow to read and have few items. */

/** Files that are uploaded to the attacker's folder. */
export const hostileFiles: Record<string, () => Buffer> = {
  'blank.ndjson.gz': () => gzipSync(Buffer.alloc(400_000_000, '\n')),
};

export const reference: Attack[] = [
  {
    name: 'blank-files',
    what: 'batches by reference to files that are 400 MB of blank lines',
    run: ({ every, post, reference: at }) => {
      let n = 0;
      return every(1, { atOnce: 8, most: 40 }, () =>
        post({ input: at('blank.ndjson.gz'), output: at(`results-${n++}/`) }),
      );
    },
  },
];
