import { expect, test } from 'vitest';
import { type Scored, scoreRows, type Trial, type TrialRow } from '../../../web/batches/new/files/trial.ts';
import { RequestFailed } from '../../../web/http/request-failed.ts';

const row = (fault?: string): TrialRow => ({ image: 'https://example.org/a.jpg', text: 'a cat', fault });

async function trialsOf(rows: TrialRow[], score: () => Promise<Scored>): Promise<Trial[]> {
  const trials: Trial[] = [];
  await scoreRows(rows, score, (_at, trial) => trials.push(trial));
  return trials;
}

test('the trial keeps the warnings of a score, and scores no row that the batch will refuse', async () => {
  let scored = 0;
  const trials = await trialsOf([row(), row('line 3 has 4 columns, the header has 3')], async () => {
    scored++;
    return { score: 40, warnings: ['text truncated'] };
  });
  expect(trials).toEqual([{ score: 40, warnings: ['text truncated'] }, { failure: 'item.invalid' }]);
  expect(scored).toBe(1);
});

test('a row without a score shows the title and the detail of its error', async () => {
  const failing = (title: string, detail: string) => async () => {
    throw new RequestFailed(0, title, detail);
  };
  const advice = 'Check that it is running and that this machine can reach it.';
  expect(await trialsOf([row()], failing('The service does not answer', advice))).toEqual([
    { failure: `The service does not answer. ${advice}` },
  ]);
  expect(await trialsOf([row()], failing('The text is empty', 'the text is empty'))).toEqual([
    { failure: 'The text is empty.' },
  ]);
});
