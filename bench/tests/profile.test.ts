import { describe, expect, it, test } from 'vitest';
import { selfTimes } from '../profile/self-time.ts';
import { stagesBetween, stagesIn } from '../profile/stage-times.ts';

const frame = (functionName: string, url = '', lineNumber = -1) => ({ functionName, url, lineNumber });

describe('the own time of functions', () => {
  it('is the time from each sample to the next, summed over the places a function was called from', () => {
    const profile = {
      nodes: [
        { id: 1, callFrame: frame('(root)'), children: [2, 3] },
        { id: 2, callFrame: frame('decode', 'file:///house/models/decode.ts', 9) },
        { id: 3, callFrame: frame('run', 'file:///house/models/towers.ts', 4), children: [4, 5] },
        { id: 4, callFrame: frame('decode', 'file:///house/models/decode.ts', 9) },
        { id: 5, callFrame: frame('') },
        { id: 6, callFrame: frame('run', 'file:///house/node_modules/onnx/dist/backend.js', 1) },
      ],
      samples: [2, 5, 6, 4],
      timeDeltas: [500, 1_000, 20_000, 3_000],
    };
    expect(selfTimes(profile)).toEqual([
      { name: '(native code) in run models/towers.ts:5', milliseconds: 20 },
      { name: 'run onnx/dist/backend.js:2', milliseconds: 3 },
      { name: 'decode models/decode.ts:10', milliseconds: 1 },
    ]);
  });
});

test('the stages of a run are the difference of two readings of the metrics, all modes together', () => {
  const page = (calls: number, seconds: number) =>
    ['single', 'batch']
      .map((mode) => `{stage="fetch",mode="${mode}"}`)
      .flatMap((labels) => [
        `vls_stage_duration_seconds_bucket{le="1",stage="fetch",mode="single"} 9`,
        `vls_stage_duration_seconds_sum${labels} ${seconds}`,
        `vls_stage_duration_seconds_count${labels} ${calls}`,
      ])
      .join('\n');
  expect(stagesBetween(stagesIn(page(1, 0.5)), stagesIn(page(3, 2)))).toEqual([
    { stage: 'fetch', calls: 4, totalSeconds: 3 },
  ]);
  expect(stagesBetween(stagesIn(page(3, 2)), stagesIn(page(3, 2)))).toEqual([]);
});
