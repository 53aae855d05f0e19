import { horizons } from '../../testing/scaling/demand.ts';
import type { Simulated } from '../../testing/scaling/simulation.ts';
import { runsOf, turnsOf } from '../../testing/scaling/turns.ts';
import { sum } from '../../testing/statistics.ts';
import type { Figure } from '../figures.ts';
import type { Scenario } from './scenarios.ts';

/** The target of the rule. */
export const { targetSeconds } = horizons.cpu;

/** What came of a scenario, beside what must. */
export function figuresOf({ name, limits }: Scenario, { samples, posted, lost }: Simulated): Figure[] {
  const peak = samples.reduce((most, sample) => (sample.backlogSeconds > most.backlogSeconds ? sample : most));
  const over = samples.filter(({ backlogSeconds }) => backlogSeconds > targetSeconds);
  const [first, last] = [over.at(0), over.at(-1)];
  const tickSeconds = (samples[1]?.at ?? 0) - (samples[0]?.at ?? 0);
  const counts = samples.map(({ ordered }) => ordered);
  const figure = (id: string, rest: Omit<Figure, 'id'>): Figure => ({ id: `${name}/${id}`, ...rest });
  return [
    figure('peak-backlog', {
      name: 'peak backlog',
      value: peak.backlogSeconds,
      unit: 's',
      target: { most: limits.peakSeconds },
      detail: `${peak.pending} items at ${peak.at} s`,
    }),
    figure('over-target', {
      name: `time with a backlog above ${targetSeconds} s`,
      value: over.length * tickSeconds,
      unit: 's',
      target: { most: limits.overTargetSeconds },
      detail: first === undefined || last === undefined ? '' : `from ${first.at} to ${last.at} s`,
    }),
    figure('turns', {
      name: 'turns between rising and falling',
      value: turnsOf(counts),
      unit: '',
      target: { most: limits.turns },
      detail: `workers ${runsOf(counts).join(', ')}`,
    }),
    figure('lost', {
      name: 'items lost',
      value: lost,
      unit: '',
      target: { most: 0 },
      detail: `${posted} posted`,
    }),
    figure('worker-seconds', {
      name: 'items a second of a worker',
      value: sum(samples.map(({ postedPerSecond }) => postedPerSecond)) / sum(counts),
      unit: '',
      detail: 'all workers that were paid for, over the whole scenario',
    }),
  ];
}
