import type { Course } from '../../testing/scaling/simulation.ts';

/**
 * The workers in all scenarios. They start as slowly as with a GPU but process fewer items, so that two cores can run
 * twenty.
 */
export const worker = {
  itemsPerSecond: 250,
  /** Share of its speed that the autoscaler plans with. */
  asked: 0.8,
  /** Time to load a model and warm up the device, in addition to the start of the process. */
  startSeconds: 25,
};

/** Limits for the results of a scenario. */
export interface Limits {
  /** Maximum backlog, in seconds of work. */
  peakSeconds: number;
  /** Maximum time with a backlog above the target, in seconds. */
  overTargetSeconds: number;
  /** Maximum number of times that the worker count changes direction. */
  turns: number;
}

export interface Scenario extends Course {
  name: 'burst' | 'ramp' | 'dying-worker';
  title: string;
  limits: Limits;
}

const low = 300;
const high = 3_000;
const few = 2;
/**
 * A sudden load is seen within 30 s, and the first new workers are ready after 30 more. This is the backlog by then.
 */
const piledUpSeconds = (60 * (high - few * worker.itemsPerSecond)) / (few * worker.itemsPerSecond);
const between = (at: number, from: number, to: number) => Math.min(1, Math.max(0, (at - from) / (to - from)));

/** The target of the rule is a backlog of 60 s. */
export const scenarios: readonly Scenario[] = [
  {
    name: 'burst',
    title: 'Ten times the load for four minutes',
    seconds: 900,
    load: (at) => (at >= 90 && at < 330 ? high : low),
    workers: few,
    kills: [],
    limits: { peakSeconds: piledUpSeconds, overTargetSeconds: 120, turns: 1 },
  },
  {
    name: 'ramp',
    title: 'Up to ten times the load in five minutes, and down again',
    seconds: 900,
    load: (at) => low + (high - low) * (between(at, 60, 360) - between(at, 360, 660)),
    workers: few,
    kills: [],
    limits: { peakSeconds: 120, overTargetSeconds: 30, turns: 1 },
  },
  {
    name: 'dying-worker',
    title: 'One of seven workers is killed, then three at once',
    seconds: 480,
    load: () => 1_200,
    workers: 7,
    kills: [
      { at: 120, workers: 1 },
      { at: 240, workers: 3 },
    ],
    limits: { peakSeconds: 60, overTargetSeconds: 0, turns: 1 },
  },
];
