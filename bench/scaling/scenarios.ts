import type { Course } from '../../testing/scaling/simulation.ts';

/**
 * A simulated worker. It takes as long to start as a worker with a GPU, but is slower, so that two cores can run
 * twenty.
 */
export const worker = {
  itemsPerSecond: 250,
  /** The fraction of a worker's real speed that the autoscaler assumes. */
  asked: 0.8,
  /** The time in s for loading a model and warming up the device, in addition to the start of the process. */
  startSeconds: 25,
};

export interface Limits {
  /** The maximum backlog: the time in s that the workers need for the pending items. */
  peakSeconds: number;
  /** The maximum time in s with a backlog above the target. */
  overTargetSeconds: number;
  /** The maximum number of times that the number of workers turns from rising to falling, or back. */
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
 * The backlog in s that builds up before the autoscaler helps: up to 30 s until it notices a sudden load, and 30 s for
 * new workers.
 */
const piledUpSeconds = (60 * (high - few * worker.itemsPerSecond)) / (few * worker.itemsPerSecond);
const between = (at: number, from: number, to: number) => Math.min(1, Math.max(0, (at - from) / (to - from)));

/** Loads that test the autoscaling rule, which aims at a backlog of 60 s. */
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
