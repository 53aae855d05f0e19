import { beforeEach, expect, test, vi } from 'vitest';
import { createEvaluators } from '../../../models/evaluators.ts';
import { createPool, type EvaluatorPool } from '../../../models/pool.ts';
import { specOf, tinyClipFolder } from '../../support/model-folders.ts';
import { silentLog } from '../../support/silent-log.ts';

vi.mock('../../../models/pool.ts', { spy: true });

const state = { state: 'ready', ready: 1, configured: 1, restarts: 0, waiting: 0, detail: null } as const;
beforeEach(() => {
  vi.mocked(createPool)
    .mockReset()
    .mockImplementation(
      (): EvaluatorPool => ({
        embed: () => Promise.reject(new Error('nobody embeds here')),
        whenReady: () => Promise.resolve(),
        state: () => state,
        pids: () => [],
        close: vi.fn(),
      }),
    );
});

const spec = await specOf(tinyClipFolder, { model: 'tiny' });
const config = { evaluators: 3, evaluatorThreads: 2, imageMaxPixels: 1_000 };

test('a model gets one pool, started when it is first asked for', () => {
  const evaluators = createEvaluators(config, silentLog());
  expect(createPool).not.toHaveBeenCalled();
  const pool = evaluators.for(spec);
  expect(evaluators.for({ ...spec })).toBe(pool);
  expect(createPool).toHaveBeenCalledTimes(1);
  expect(vi.mocked(createPool).mock.calls[0]?.[0]).toMatchObject({ spec, evaluators: 3, threads: 2, maxPixels: 1_000 });
});

test('another model, revision or precision is another pool', () => {
  const evaluators = createEvaluators(config, silentLog());
  const pools = [
    spec,
    { ...spec, model: 'other' },
    { ...spec, revision: '2' },
    { ...spec, precision: 'int8' as const },
  ];
  expect(new Set(pools.map((each) => evaluators.for(each))).size).toBe(4);
});

test('states name the model and the revision of each pool', () => {
  const evaluators = createEvaluators(config, silentLog());
  evaluators.for(spec);
  evaluators.for({ ...spec, revision: '2' });
  expect(evaluators.states()).toEqual([
    { model: 'tiny', revision: '1', ...state },
    { model: 'tiny', revision: '2', ...state },
  ]);
});

test('close closes every pool', () => {
  const evaluators = createEvaluators(config, silentLog());
  const pools = [evaluators.for(spec), evaluators.for({ ...spec, revision: '2' })];
  evaluators.close();
  for (const pool of pools) expect(pool.close).toHaveBeenCalledTimes(1);
});
