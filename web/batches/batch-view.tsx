import type { FunctionComponent } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { BatchStatus } from '../../shared/contracts/batch.ts';
import type { RequestFailed } from '../http/client.ts';
import { addressOf, type BatchTab, batchTabs } from '../shell/route.ts';
import { Badge } from '../ui/badge.tsx';
import * as numbers from '../ui/numbers.ts';
import { ProblemBox } from '../ui/problem.tsx';
import { scaleOf } from '../ui/scale.ts';
import { BatchActions } from './actions.tsx';
import { nameOfBatch } from './batch-names.ts';
import { downloadPassing, type Formulas } from './downloads.ts';
import { Explorer } from './explorer/explorer.tsx';
import { ExtremesBox } from './extremes.tsx';
import { FailuresBox } from './failures-box.tsx';
import { type Followed, type Follower, followBatch } from './follow.ts';
import { HistogramBox } from './histogram.tsx';
import { Counts, ProgressBar } from './progress.tsx';
import type { Sample } from './progress-samples.ts';
import { stateWords } from './state.ts';

/** The page of a batch: its progress while it runs, its scores and its failures. */
export function BatchView({ id, tab }: { id: string; tab: BatchTab }) {
  const [followed, setFollowed] = useState<Followed>();
  const [failure, setFailure] = useState<RequestFailed>();
  const [formulas, setFormulas] = useState<Formulas>('escape');
  const follower = useRef<Follower | undefined>(undefined);
  useEffect(() => {
    const started = followBatch(id, setFollowed);
    follower.current = started;
    return () => started.close();
  }, [id]);

  const crumbs = (
    <p class="crumbs">
      <a href={addressOf.batches}>Batches</a>
    </p>
  );
  const name = nameOfBatch(id) ?? `Batch ${id.slice(0, 8)}`;
  const status = followed?.status;
  if (status === undefined) {
    return (
      <>
        {crumbs}
        <h1>{name}</h1>
        {followed?.failure === undefined ? (
          <p class="soft">{followed?.isInterrupted ? 'The service does not answer; retrying…' : 'Loading…'}</p>
        ) : (
          <ProblemBox failure={followed.failure} />
        )}
      </>
    );
  }
  const { summary, samples = [] } = followed ?? {};
  const [tone, word] = stateWords[status.state];
  const scale = scaleOf(status.model);
  return (
    <>
      {crumbs}
      <div class="heading">
        <h1 class="cut" dir="auto">
          {name}
        </h1>
        <span role="status">
          <Badge tone={tone}>{word}</Badge>
        </span>
      </div>
      <Origin status={status} />
      <Tabs id={id} current={tab} />
      {followed?.failure !== undefined && <ProblemBox failure={followed.failure} />}
      {followed?.isInterrupted && <p class="notice">Connection lost; reconnecting. The batch continues.</p>}
      {tab === 'pairs' && <Explorer status={status} />}
      {tab === 'scores' && (
        <div class="stack">
          <section class="card stack" aria-label="Progress">
            <ProgressBar items={status.items} />
            <Counts status={status} />
            {status.state === 'running' && status.phase === 'waiting' && (
              <p class="notice">Waiting for a free worker.</p>
            )}
            {status.phase === 'stopping' && <p class="notice">Stopping: workers finish the chunks in flight.</p>}
            {status.reason !== null && <p class="notice">{reasonWords[status.reason]}</p>}
            {status.inputError !== null && <p class="notice">{status.inputError.message}</p>}
            <Plot samples={samples} isLive={status.finishedAt === null} />
            <BatchActions
              status={status}
              formulas={formulas}
              formulaCells={summary?.formulaCells}
              onFormulas={setFormulas}
              onChanged={() => follower.current?.refresh()}
              onFailure={setFailure}
            />
            {failure !== undefined && <ProblemBox failure={failure} />}
          </section>
          {summary !== undefined && summary.succeeded > 0 && (
            <HistogramBox
              summary={summary}
              scale={scale}
              onDownloadPassing={(threshold) => void downloadPassing(id, threshold, formulas).catch(setFailure)}
            />
          )}
          <FailuresBox status={status} formulas={formulas} onFailure={setFailure} />
          {summary !== undefined && <ExtremesBox summary={summary} tenant={status.tenant} />}
        </div>
      )}
    </>
  );
}

const tabNames: Record<BatchTab, string> = { scores: 'Scores', pairs: 'Pairs', judge: 'Judge a sample' };

function Tabs({ id, current }: { id: string; current: BatchTab }) {
  return (
    <nav class="tabs" aria-label="Parts of the batch">
      <ul>
        {batchTabs.map((tab) => (
          <li key={tab}>
            <a href={addressOf.batch(id, tab)} aria-current={tab === current ? 'page' : undefined}>
              {tabNames[tab]}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

const reasonWords = {
  all_failed: 'No item succeeded.',
  failure_budget: 'The batch was stopped because more items failed than its failure budget allows.',
  input: 'The input object could not be read.',
  input_lost: 'The stored items of this batch are gone.',
  model_unavailable: 'The model could not be loaded.',
} as const;

function Origin({ status }: { status: BatchStatus }) {
  return (
    <p class="soft origin">
      {numbers.count(status.items.total)} items for {modelsOf(status)}, posted {numbers.dateTime(status.createdAt)}
      {status.expiresAt !== null && <>, stored until {numbers.dateTime(status.expiresAt)}</>}.
      {status.input !== null && <> Read from {status.input}.</>}
      {status.files?.state === 'written' && <> Results written to {status.files.results}.</>}
      {status.files?.state === 'failed' && <> The result files were not written: {status.files.error}</>}
      {status.retryOf !== null && (
        <>
          {' '}
          Retries <a href={addressOf.batch(status.retryOf)}>{nameOfBatch(status.retryOf) ?? 'an earlier batch'}</a>.
        </>
      )}
      {status.retriedBy !== null && (
        <>
          {' '}
          The failed items were <a href={addressOf.batch(status.retriedBy)}>retried</a>.
        </>
      )}
    </p>
  );
}

/** Describes the model of a batch, or its models with their shares of the images. */
function modelsOf({ model, precision, traffic }: BatchStatus): string {
  if (traffic === null) return `${model} (${precision})`;
  return traffic.map((arm) => `${arm.model} (${arm.role}, ${numbers.percent(arm.share)})`).join(' and ');
}

/** Loads the plot with its library only when it is shown: no other view needs the library. */
function Plot({ samples, isLive }: { samples: readonly Sample[]; isLive: boolean }) {
  const [Loaded, setLoaded] = useState<FunctionComponent<{ samples: readonly Sample[] }>>();
  const isShown = isLive || samples.length > 2;
  useEffect(() => {
    if (isShown) void import('./rate-plot.tsx').then((plot) => setLoaded(() => plot.RatePlot));
  }, [isShown]);
  if (!isShown) return null;
  return (
    <figure class="rate">
      <figcaption class="fine soft">Items per second</figcaption>
      {Loaded === undefined ? <div class="plot" /> : <Loaded samples={samples} />}
    </figure>
  );
}
