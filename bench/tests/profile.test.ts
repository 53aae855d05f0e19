import { describe, expect, it } from 'vitest';
import { selfTimes } from '../profile/self-time.ts';
import { createStopwatch } from '../profile/stopwatch.ts';

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

describe('the stopwatch', () => {
  it('counts a stage that fails like one that succeeds, and lets the failure through', async () => {
    const watch = createStopwatch();
    await expect(watch.time('fetch', () => Promise.reject(new Error('404')))).rejects.toThrow('404');
    expect(await watch.time('fetch', () => Promise.resolve(7))).toBe(7);
    expect(watch.times()).toMatchObject([{ stage: 'fetch', calls: 2 }]);
  });

  it('gives the spread and the sum of what it was told, until it is cleared', () => {
    const watch = createStopwatch();
    for (let at = 1; at <= 100; at++) watch.add('decode', at);
    expect(watch.times()).toEqual([{ stage: 'decode', calls: 100, p50: 50, p95: 95, total: 5050 }]);
    watch.clear();
    expect(watch.times()).toEqual([]);
  });
});
