import * as numbers from '../../ui/numbers.ts';
import { gaugeOf, nowOf, type Point, type Reading, ratesOf } from './activity.ts';
import { Sparkline } from './sparkline.tsx';

interface Figure {
  name: string;
  /** The measured requests or batches, such as `Single requests`. */
  of: string;
  points: Point[];
  format: (value: number) => string;
}

export function Figures({ history, isOperator }: { history: readonly Reading[]; isOperator: boolean }) {
  const first = history[0];
  const figures = isOperator ? [...singleFigures(history), ...batchFigures(history)] : ownFigures(history);
  return (
    <section aria-labelledby="activity">
      <h2 id="activity" class="visually-hidden">
        Activity
      </h2>
      <ul class="figures">
        {figures.map((figure) => (
          <li key={figure.name} class="card figure">
            <FigureText {...figure} history={history} />
          </li>
        ))}
      </ul>
      <p class="fine soft">
        {first !== undefined && `The curves begin at ${numbers.clock(first.at)}, when this page was opened. `}
        {isOperator
          ? 'Single requests are those of the API process that answers this page. Batches are those of all processes and tenants.'
          : 'Only your own batches are counted.'}
      </p>
    </section>
  );
}

function FigureText({ name, of, points, format, history }: Figure & { history: readonly Reading[] }) {
  const now = nowOf(history, points);
  const highest = Math.max(...points.map(([, value]) => value));
  return (
    <>
      <h3>{name}</h3>
      <p class="figure-now num">{now === undefined ? '–' : format(now)}</p>
      <Sparkline points={points} end={history.at(-1)?.at} />
      <p class="fine soft">
        {of}
        {points.length > 1 && `, highest ${format(highest)}`}
      </p>
    </>
  );
}

const singleFigures = (history: readonly Reading[]): Figure[] => [
  {
    name: 'Single pairs',
    of: 'Single requests',
    points: ratesOf(history, (before, after, seconds) => (after.pairs - before.pairs) / seconds),
    format: (value) => numbers.perSecond(value),
  },
  {
    name: 'Response time',
    of: 'Single requests, mean',
    points: ratesOf(history, (before, after) => {
      const requests = after.requests - before.requests;
      return requests === 0 ? null : ((after.requestSeconds - before.requestSeconds) / requests) * 1_000;
    }),
    format: numbers.milliseconds,
  },
];

const batchFigures = (history: readonly Reading[]): Figure[] => [
  {
    name: 'Batch items',
    of: 'All batches',
    points: gaugeOf(history, ({ itemsPerSecond }) => itemsPerSecond),
    format: (value) => numbers.perSecond(value),
  },
  {
    name: 'Waiting chunks',
    of: 'All batches',
    points: gaugeOf(history, ({ waiting }) => waiting),
    format: numbers.count,
  },
];

const ownFigures = (history: readonly Reading[]): Figure[] => [
  {
    name: 'Batch items',
    of: 'Your batches',
    points: gaugeOf(history, ({ itemsPerSecond }) => itemsPerSecond),
    format: (value) => numbers.perSecond(value),
  },
  {
    name: 'Running batches',
    of: 'Your batches',
    points: gaugeOf(history, ({ runningBatches }) => runningBatches),
    format: numbers.count,
  },
];
