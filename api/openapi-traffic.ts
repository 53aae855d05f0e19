import type { TrafficReport } from '../shared/contracts/traffic.ts';

/** A traffic report whose canary (a model on trial) has passed one comparison period. */
export const trafficExample: TrafficReport = {
  profile: 'fast',
  experiment: '1d82ae4b96780ae5',
  arms: [
    {
      role: 'main',
      model: 'vit-b-32',
      revision: 'a636590e595dbbd798647c9dd4550d5652fba969',
      share: 0.95,
      shareNow: 0.95,
      items: 9500,
      failed: 19,
      errorShare: 0.002,
      meanScore: 26.3823,
      meanScoreMargin: 0.0845,
      meanInferenceMs: 24.6,
    },
    {
      role: 'canary',
      model: 'vit-b-32-int8',
      revision: '8e2c0b7f51aa',
      share: 0.05,
      shareNow: 0.05,
      items: 612,
      failed: 1,
      errorShare: 0.0016,
      meanScore: 26.2971,
      meanScoreMargin: 0.3312,
      meanInferenceMs: 9.3,
    },
  ],
  canary: {
    model: 'vit-b-32-int8',
    phase: 'trial',
    reason: null,
    since: '2026-11-22T19:40:02.114Z',
    promoteAfter: 3,
    passed: 1,
    window: { number: 2, items: 110, of: 500 },
    windows: [
      {
        number: 1,
        verdict: 'passed',
        reasons: [],
        endedAt: '2026-11-22T19:48:51.760Z',
        figures: {
          items: 502,
          errorShare: 0.002,
          mainErrorShare: 0.0019,
          latencyRatio: 0.41,
          compared: 255,
          scoreDrift: 0.2113,
          rankCorrelation: 0.9931,
        },
      },
    ],
  },
  comparisons: [
    {
      kind: 'canary',
      candidate: 'vit-b-32-int8',
      reference: 'vit-b-32',
      pairs: 311,
      failed: 0,
      comparedBy: 'scores',
      meanDifference: -0.0521,
      meanAbsoluteDifference: 0.2098,
      maxAbsoluteDifference: 1.3077,
      rankCorrelation: 0.9928,
      worst: [
        {
          image: 'https://example.org/cat.jpg',
          text: 'a cat looking at the camera',
          reference: 29.4402,
          candidate: 28.1325,
        },
      ],
    },
  ],
  fault: null,
};
