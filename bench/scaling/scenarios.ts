import type { Course } from '../../testing/scaling/simulation.ts';

/** The workers of all scenarios: as slow to start as with a GPU, and slower than that, so that two cores carry twenty. */
export const worker = {
  itemsPerSecond: 250,
  /** Share of it that the autoscaler asks for. */
  asked: 0.8,
  /** The model is loaded, the device is warmed up; the start of the process itself comes on top. */
  startSeconds: 25,
};

/** What a scenario must not exceed. */
export interface Limits {
  /** Highest backlog, in seconds. */
  peakSeconds: number;
  /** Time with a backlog above the target, in seconds. */
  overTargetSeconds: number;
  /** How often the number of workers turns from rising to falling or back. */
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
/** A load that comes at once is seen within 30 s and has its first new workers within 30 more: so much has piled up. */
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
