import { describe, expect, test } from 'vitest';
import { formatReport } from '../../../cli/batch/report.ts';
import type { RunResult } from '../../../cli/batch/run.ts';
import { count, emptyTally, type Tally, tallySchema } from '../../../cli/batch/tally.ts';
import { called } from '../../../shared/called.ts';
import type { ImageSource } from '../../../shared/contracts/item.ts';
import { type Code, type ItemError, itemError } from '../../../shared/errors.ts';

const unreachable: Tally['failures'] = {
  'image.fetch.timeout': { items: 2, first: { index: 1, message: 'no answer' } },
};

function report(state: string, tally: Partial<Tally>, more: Partial<RunResult> = {}): string {
  return formatReport(
    {
      output: '/here/pairs.scores.csv',
      embeddings: [],
      batchId: 'b1',
      wasDone: false,
      rowsPerSecond: 71.7,
      seconds: 4.2,
      isContinued: false,
      columns: { image: 'image', text: 'my text', id: 'id' },
      serverFiles: false,
      finished: {
        ...{ at: '2026-01-01T00:00:00Z', state, model: 'compact-1', revision: '1', precision: 'fp32' },
        preprocess: '1',
        tally: { ...emptyTally(), ...tally },
      },
      ...more,
    },
    process.stdout,
  );
}

describe('the report', () => {
  test('prints the time in tenths below 10 s, with the rate of the same time', () => {
    expect(report('completed', { succeeded: 301 })).toContain(
      '301 rows, 301 scored, took 4.2 s (72 rows/s on average)\n',
    );
    expect(report('completed', { succeeded: 3 }, { seconds: 9.97, rowsPerSecond: 3 / 9.97 })).toContain(
      'took 10 s (0.3 rows/s on average)\n',
    );
    expect(report('failed', { failed: 3 }, { rowsPerSecond: null })).toContain('3 failed, took 4.2 s\n');
    expect(report('completed', { succeeded: 3 }, { isContinued: true })).toContain(
      '\nThis run continued an earlier one, and took 4.2 s (72 rows/s on average).\n',
    );
  });

  test('names the batch, if there is one', () => {
    const batchId = '0da21953-6a36-4b7e-9f0a-3d1c9f2f4a55';
    expect(report('completed', { succeeded: 3 }, { batchId })).toContain(
      `\ncompact-1, revision 1, fp32, batch ${batchId}\n`,
    );
    expect(report('completed', { succeeded: 3 }, { batchId: null })).toContain('\ncompact-1, revision 1, fp32\n');
  });

  test('suggests to swap the columns if nearly all rows have a text as image and an image as text', () => {
    const swapped = (image: string, text: string, code: Code = 'image.source_invalid') => {
      const tally = emptyTally();
      const failed = { status: 'failed', error: itemError(code, 'no image') } as const;
      for (let index = 0; index < 20; index++) count(tally, { index, ...failed }, { image, text });
      count(tally, { index: 20, ...failed }, { image: 'a dog', text: 'a cat' });
      return report('completed_with_errors', tally);
    };
    const advice =
      "The column image seems to have the texts, and the column my text the images: run the command again with --image-column 'my text' --text-column image.";
    for (const text of ['https://a.test/1', 'photos/1.jpg']) expect(swapped('a dog', text)).toContain(advice);
    const word = swapped('dog', 'photos/1.jpg', 'image.file.not_found');
    expect(word).toContain(advice);
    expect(word).toContain('20 failed rows (image.file.not_found) cannot be scored as they are.');
    expect(swapped('photos/set', 'a cat', 'image.file.not_found')).toContain(
      '21 failed rows (image.file.not_found) have local images.',
    );
    expect(swapped('a dog', 'a cat')).not.toContain('--image-column');
    expect(swapped('lost.jpg', 'photos/1.jpg')).not.toContain('--image-column');
  });

  test('suggests a retry, and says that it leaves the output unchanged', () => {
    const tally = { succeeded: 1, failed: 2, failures: unreachable, remedies: { retry: { 'service.unavailable': 2 } } };
    expect(report('completed_with_errors', tally)).toContain(
      `2 failed rows (service.unavailable) may succeed in a retry: \`${called} retry b1\` scores them again, as a new batch. /here/pairs.scores.csv stays unchanged.`,
    );
    expect(report('completed_with_errors', tally, { batchId: null })).toContain(
      '2 failed rows (service.unavailable) may succeed in a retry: run the same command with --again, which scores all rows.',
    );
  });

  test.each([
    ['failed', { failed: 2 }, 'No row has a score'],
    ['failed', { succeeded: 1, failed: 2 }, 'too many rows failed'],
    ['cancelled', { succeeded: 1, failed: 2 }, 'Run the same command again'],
  ])('suggests no retry where a new run starts over (%s, %o)', (state, counts, advice) => {
    const printed = report(state, {
      ...counts,
      failures: unreachable,
      remedies: { retry: { 'service.unavailable': 2 } },
    });
    expect(printed).toContain(advice);
    expect(printed).not.toContain(`${called} retry`);
  });

  test('names the position of a failed row once if its message has the same one', () => {
    const failed = (message: string) =>
      report('failed', { failures: { 'item.invalid': { items: 1, first: { index: 43, message } } } });
    expect(failed('row 43: column img is empty')).toContain('index 43: column img is empty\n');
    expect(failed('line 45: column img is empty')).toContain('index 43: line 45: column img is empty\n');
  });

  test('names the next step of each failed row', () => {
    const tally = emptyTally();
    const fail = (image: ImageSource, error: ItemError) =>
      count(tally, { index: 0, status: 'failed', error }, { image, text: 'a cat' });
    fail('img/missing.jpg', itemError('image.file.not_found', 'There is no file'));
    fail('./cut', itemError('image.corrupt', 'damaged'));
    fail({ file: 'photos/0001' }, itemError('image.corrupt', 'damaged'));
    fail('https://a.test/cut.jpg', itemError('image.corrupt', 'damaged'));
    fail('https://a.test/slow.jpg', itemError('image.fetch.timeout', 'no answer'));
    fail('http://10.0.0.1/a.jpg', itemError('image.fetch.blocked_address', 'not public'));
    fail('a.jpg', itemError('text.empty', 'empty'));
    fail('data:image/png;base64,AAAA', itemError('image.corrupt', 'damaged'));
    const all = `\`${called} retry b1 --all\` scores all failed rows.`;
    const orAgain = `\`${called} retry b1 --all\` scores all failed rows as a new batch, or the same command with --again scores all rows.`;
    const again = 'run the same command with --again, which scores all rows.';
    const steps = (more: Partial<RunResult> = {}) =>
      report('completed_with_errors', tally, more).split('\n\n').slice(2).join('\n');
    expect(steps()).toBe(
      `${[
        `1 failed row (image.fetch.timeout) may succeed in a retry: \`${called} retry b1\` scores it again, as a new batch. /here/pairs.scores.csv stays unchanged.`,
        `1 failed row (image.corrupt) has an image at an address, and would fail again. After a correction there, ${orAgain}`,
        `1 failed row (image.fetch.blocked_address) has an image address that is not allowed. When an operator has allowed such hosts with IMAGE_HOSTS_ALLOW, ${orAgain}`,
        `3 failed rows (image.file.not_found, image.corrupt) have local images. When each file and its path are correct, ${again}`,
        '2 failed rows (text.empty, image.corrupt) cannot be scored as they are. Correct the input before that run.',
      ].join('\n')}\n`,
    );
    const table = report('completed_with_errors', tally);
    expect(table).toContain('index 0 (./cut): damaged');
    expect(table).toContain('index 0 (a.jpg): empty');
    expect(steps({ serverFiles: true })).toContain(`and its path are correct, ${all}`);
    const retryOf = (all: boolean, replacesSteps = false) => ({
      ...{ outcome: 'Batch b0 has scored 3 items of batch b1 again', steps: ['Correct them.'], replacesSteps },
      covered: { retryable: true, cancelled: false, all },
    });
    const words = 'Batch b0 has scored 3 items of batch b1 again.\nCorrect them.\n';
    for (const serverFiles of [false, true]) {
      expect(steps({ latestRetry: retryOf(true), serverFiles })).toBe(
        `${words}${[
          `3 failed rows (image.file.not_found, image.corrupt) have local images. When each file and its path are correct, ${again}`,
          '2 failed rows (text.empty, image.corrupt) cannot be scored as they are. Correct the input before that run.',
        ].join('\n')}\n`,
      );
    }
    expect(steps({ latestRetry: retryOf(true, true) })).toBe(words);
    const some = steps({ latestRetry: retryOf(false) });
    expect(some).toContain('1 failed row (image.corrupt) has an image at an address');
    expect(some).not.toContain('may succeed in a retry');
    expect(steps({ batchId: null })).not.toContain(`${called} retry`);
    expect(report('failed', tally)).not.toContain('local images');
    expect(tallySchema.parse({ ...tally, remedies: { address: 1 } }).remedies).toEqual({});
  });

  test('counts the rows with warnings, and quotes the first', () => {
    const tally = emptyTally();
    const scored = { status: 'succeeded', score: 1, cosine: 0.01 } as const;
    count(tally, { index: 0, ...scored });
    for (const index of [1, 2]) count(tally, { index, ...scored, warnings: ['text truncated'] });
    expect(report('completed', tally)).toContain(
      '2 rows have a warning, first index 1: text truncated. See `warnings` in the output.',
    );
    expect(report('completed', { succeeded: 1 })).not.toContain('warning');
  });
});
