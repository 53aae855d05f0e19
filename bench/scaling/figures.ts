import { horizons } from '../../testing/scaling/demand.ts';
import type { Simulated } from '../../testing/scaling/simulation.ts';
import { runsOf, turnsOf } from '../../testing/scaling/turns.ts';
import { sum } from '../../testing/statistics.ts';
import { type Figure, figure, most } from '../figures.ts';
import type { Scenario } from './scenarios.ts';

/** The backlog in s that the autoscaling rule aims at. */
export const { targetSeconds } = horizons.cpu;

/** Returns the figures of a simulated scenario. Their targets are the limits of the scenario. */
export function figuresOf({ name, limits }: Scenario, { samples, posted, lost }: Simulated): Figure[] {
  const peak = samples.reduce((most, sample) => (sample.backlogSeconds > most.backlogSeconds ? sample : most));
  const over = samples.filter(({ backlogSeconds }) => backlogSeconds > targetSeconds);
  const [first, last] = [over.at(0), over.at(-1)];
  const tickSeconds = (samples[1]?.at ?? 0) - (samples[0]?.at ?? 0);
  const counts = samples.map(({ ordered }) => ordered);
  const of = (id: string, title: string, value: number, unit: string, detail: string, bound?: number): Figure =>
    figure(`${name}/${id}`, title, value, unit, detail, bound === undefined ? undefined : most(bound));
  const span = first === undefined || last === undefined ? '' : `from ${first.at} to ${last.at} s`;
  const efficiency = sum(samples.map(({ postedPerSecond }) => postedPerSecond)) / sum(counts);
  return [
    of(
      'peak-backlog',
      'peak backlog',
      peak.backlogSeconds,
      's',
      `${peak.pending} items at ${peak.at} s`,
      limits.peakSeconds,
    ),
    of(
      'over-target',
      `time with a backlog above ${targetSeconds} s`,
      over.length * tickSeconds,
      's',
      span,
      limits.overTargetSeconds,
    ),
    of(
      'turns',
      'times that the number of workers changed its direction (up or down)',
      turnsOf(counts),
      '',
      `workers ${runsOf(counts).join(', ')}`,
      limits.turns,
    ),
    of('lost', 'items lost', lost, '', `${posted} posted`, 0),
    of(
      'worker-seconds',
      'items a second of a worker',
      efficiency,
      '',
      'counts all workers, also those that were starting or idle',
    ),
  ];
}
