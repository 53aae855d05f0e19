import { beforeEach, describe, expect, test } from 'vitest';
import type { ModelOutcome } from '../../../evaluation/outcome.ts';
import type { TrafficPlan } from '../../../shared/contracts/traffic.ts';
import { type Code, itemError } from '../../../shared/errors.ts';
import { ratioField } from '../../../traffic/counts.ts';
import { createObservations, type Observations } from '../../../traffic/observations.ts';

const plan: TrafficPlan = { profile: 'fast', experiment: 'one', arms: [] };
const scored = (cosine: number, runs: ModelOutcome['runs'] = []): ModelOutcome => ({
  outcome: { status: 'succeeded', cosine, score: Number((100 * cosine).toFixed(4)) },
  runs,
});
const failed = (code: Code): ModelOutcome => ({
  outcome: { status: 'failed', error: itemError(code, 'no') },
  runs: [],
});
const run = (inputs: number, milliseconds: number) => ({ input: 'image' as const, inputs, milliseconds });
const subject = (text: string) => ({ image: `https://example.org/${text}.jpg`, text });

let observations: Observations;
beforeEach(() => {
  observations = createObservations();
});
const taken = () => {
  const [first, ...more] = observations.take();
  expect(more).toEqual([]);
  return first;
};

describe('what a model answered', () => {
  test('is counted with its score and the share of each input in the time of its run', () => {
    observations.answered(plan, 'main', 'm', scored(0.25, [run(4, 40)]));
    observations.answered(plan, 'main', 'm', scored(0.35));
    expect(taken()?.counts.add).toEqual({
      'arm:m:items': 2,
      'arm:m:score': 60,
      'arm:m:square': 25 * 25 + 35 * 35,
      'arm:m:timed': 1,
      'arm:m:ms': 10,
    });
    expect(observations.take()).toEqual([]);
  });

  test('is a failure for errors of the model, and not counted for errors of the item', () => {
    observations.answered(plan, 'main', 'm', failed('internal'));
    for (const code of ['image.corrupt', 'image.fetch.http_status', 'text.too_long'] as const) {
      observations.answered(plan, 'main', 'm', failed(code));
    }
    expect(taken()?.counts.add).toEqual({ 'arm:m:items': 1, 'arm:m:failed': 1 });
  });

  test('counts its time for the guard only where no items are compared', () => {
    const trial = { compare: 0 } as TrafficPlan['trial'];
    observations.answered({ ...plan, trial }, 'main', 'm', scored(0.25, [run(4, 40)]));
    expect(taken()?.counts.add).toMatchObject({ 'run:m:image:4:inputs': 1, 'run:m:image:4:ms': 10 });
  });

  test('is counted by experiment', () => {
    observations.answered(plan, 'main', 'm', scored(0.25));
    observations.answered({ ...plan, experiment: 'two' }, 'main', 'm', scored(0.25));
    expect(observations.take().map(({ experiment }) => experiment.experiment)).toEqual(['one', 'two']);
  });
});

describe('two models on the same pair', () => {
  test('are compared by their scores, and the pairs furthest apart are stored', () => {
    for (let at = 0; at < 200; at++) {
      const reference = scored(0.2);
      observations.compared(plan, 'canary', 'new', subject(`t${at}`), reference, scored(0.2 + at / 1000));
    }
    const counts = taken()?.counts;
    expect(counts?.add['canary:new:pairs']).toBe(200);
    expect(counts?.add['canary:new:absolute']).toBeCloseTo(1990);
    expect(counts?.max['canary:new:largest']).toBeCloseTo(19.9);
    const worst = (counts?.canary.worst ?? []).map(([difference]) => difference).sort((a, b) => a - b);
    expect(worst).toHaveLength(50);
    expect(worst[0]).toBeCloseTo(15);
    expect(JSON.parse(counts?.canary.worst[0]?.[1] ?? '')).toMatchObject({
      reference: 20,
      image: expect.stringMatching(/^https:/),
    });
  });

  test('are compared by their time on the same items', () => {
    for (const [known, tried] of [
      [run(2, 20), run(1, 30)],
      [run(4, 20), run(3, 30)],
    ] as const) {
      observations.compared(plan, 'canary', 'new', subject('t'), scored(0.2, [known]), scored(0.3, [tried]));
    }
    // One of them had nothing to embed.
    observations.compared(plan, 'canary', 'new', subject('t'), scored(0.2, []), scored(0.3, [run(1, 9)]));
    const { add } = taken()?.counts ?? { add: {} };
    expect(Object.entries(add).filter(([field]) => field.startsWith('ratio:'))).toEqual([
      [ratioField('new', 'any', 3), 1],
      [ratioField('new', 'any', 2), 1],
      [ratioField('new', 'alike', 2), 1],
    ]);
  });

  test('hold a bounded number of pairs, however many come', () => {
    for (let at = 0; at < 5_000; at++) {
      const [reference, candidate] = [scored(0.2), scored(0.3)];
      observations.compared(plan, 'shadow', 'dark', subject('t'), reference, candidate);
    }
    const counts = taken()?.counts;
    expect(counts?.shadow.pairs).toHaveLength(1_000);
    expect(counts?.add['shadow:dark:pairs']).toBe(5_000);
  });

  test('count a candidate that fails where the reference does not, and nothing where that fails too', () => {
    observations.compared(plan, 'shadow', 'dark', subject('t'), scored(0.2), failed('internal'));
    observations.compared(plan, 'shadow', 'dark', subject('t'), failed('internal'), failed('internal'));
    expect(taken()?.counts.add).toEqual({ 'shadow:dark:failed': 1 });
  });

  test('are not counted when the work of the candidate was ended: its batch was stopped, or the process', () => {
    for (const code of ['cancelled', 'overloaded'] as const) {
      observations.compared(plan, 'shadow', 'dark', subject('t'), scored(0.2), failed(code));
    }
    expect(observations.take()).toEqual([]);
  });

  test('show no inline image, and no half of a character', () => {
    const inline = { image: new Uint8Array(3), text: 'half \ud83d' };
    observations.compared(plan, 'shadow', 'dark', inline, scored(0.2), scored(0.3));
    expect(JSON.parse(taken()?.counts.shadow.worst[0]?.[1] ?? '')).toMatchObject({ image: null, text: 'half \ufffd' });
  });
});

test('what could not be reported is reported the next time, with what came meanwhile', () => {
  const pair = () => observations.compared(plan, 'canary', 'new', subject('t'), scored(0.2), scored(0.3));
  const trial = { model: 'new' } as TrafficPlan['trial'];
  observations.answered({ ...plan, trial }, 'canary', 'new', scored(0.3));
  pair();
  const lost = taken();
  pair();
  if (lost !== undefined) observations.putBack(lost.experiment, lost.counts);
  const again = taken();
  expect(again?.experiment.trial).toBe(trial);
  expect(again?.counts.add).toMatchObject({ 'arm:new:items': 1, 'canary:new:pairs': 2 });
  expect(again?.counts.canary.pairs).toEqual(['20,30', '20,30']);
  expect(again?.counts.max['canary:new:largest']).toBeCloseTo(10);
});

test('two models of different families are compared by their ranks: no differences of scores, and cosines below 0 too', () => {
  const shadow = { share: 1, comparedBy: 'ranks', model: 'new' } as TrafficPlan['shadow'];
  observations.compared({ ...plan, shadow }, 'shadow', 'new', subject('a'), scored(0.3), scored(-0.02));
  const counts = taken()?.counts;
  expect(counts?.add).toEqual({ 'shadow:new:pairs': 1 });
  expect(counts?.max).toEqual({});
  expect(counts?.shadow).toEqual({ pairs: ['30,-2'], worst: [] });
});
