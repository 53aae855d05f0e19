import { describe, expect, it, test } from 'vitest';
import { flameGraph } from '../profile/flame.ts';
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

test('a flame graph has a box as wide as the share of each function, without idle time and narrow boxes', () => {
  const profile = {
    nodes: [
      { id: 1, callFrame: frame('(root)'), children: [2, 3, 5] },
      { id: 2, callFrame: frame('(idle)') },
      { id: 3, callFrame: frame('load', 'file:///house/images/loader.ts', 9), children: [4] },
      { id: 4, callFrame: frame('get<T>', 'file:///house/node_modules/undici/index.js', 1) },
      { id: 5, callFrame: frame('(garbage collector)') },
      { id: 6, callFrame: frame('rare', 'file:///house/images/rare.ts', 1) },
    ],
    samples: [2, 3, 4, 5, 2],
    timeDeltas: [0, 90_000, 2_000, 1_000, 1_000, 0],
  };
  const graph = flameGraph(profile, 'a & b');
  const boxes = [...graph.matchAll(/<g><title>([^<]*)<\/title><rect x="([\d.]+)" y="(\d+)" width="([\d.]+)"/g)];
  expect(boxes.map(([, title, x, y, width]) => ({ title, x, y, width }))).toEqual([
    { title: 'load images/loader.ts:10: 75.0 %', x: '4.0', y: '28', width: '893.5' },
    { title: 'get&lt;T&gt; undici/index.js:2: 25.0 %', x: '4.0', y: '44', width: '297.5' },
    { title: '(garbage collector): 25.0 %', x: '898.0', y: '28', width: '297.5' },
  ]);
  expect(graph).toContain('a &amp; b');
  expect(graph).not.toContain('idle');
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
