import { horizons } from '../../testing/scaling/demand.ts';
import type { Sample } from '../../testing/scaling/simulation.ts';
import { panels } from '../plots/panels.ts';
import { worker } from './scenarios.ts';

/** Load, workers and backlog of a scenario over time, as SVG. */
export function plotOf(title: string, samples: readonly Sample[]): string {
  const line = (of: (sample: Sample) => number) => samples.map((sample) => ({ x: sample.at, y: of(sample) }));
  return panels(title, 'seconds', [
    {
      title: 'items a second',
      lines: [
        { name: 'posted', colour: '#1b6ca8', points: line(({ postedPerSecond }) => postedPerSecond) },
        {
          name: 'what the ready workers can do',
          colour: '#4b8b3b',
          points: line(({ ready }) => ready * worker.itemsPerSecond),
        },
      ],
    },
    {
      title: 'workers',
      lines: [
        { name: 'ordered', colour: '#b8651b', points: line(({ ordered }) => ordered) },
        { name: 'ready', colour: '#4b8b3b', points: line(({ ready }) => ready) },
      ],
    },
    {
      title: 'backlog in seconds',
      lines: [{ name: 'backlog', colour: '#8b3b6b', points: line(({ backlogSeconds }) => backlogSeconds) }],
      bound: { name: 'target', y: horizons.cpu.targetSeconds },
    },
  ]);
}
