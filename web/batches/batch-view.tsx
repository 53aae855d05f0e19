import { type ComponentChildren, Fragment, type FunctionComponent } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import type { BatchSummary } from '../../shared/contracts/batch/summary.ts';
import { answered } from '../http/answered.ts';
import type { RequestFailed } from '../http/client.ts';
import { onUnanswered } from '../http/unanswered.ts';
import { useHashQuery } from '../shell/hash-query.ts';
import { addressOf, type BatchTab, batchTabs } from '../shell/route.ts';
import { Badge } from '../ui/badge.tsx';
import * as numbers from '../ui/numbers.ts';
import { ProblemBox } from '../ui/problem.tsx';
import { asSentence } from '../ui/sentence.ts';
import { Waiting, WaitingNote } from '../ui/waiting.tsx';
import { BatchActions } from './actions.tsx';
import { batchConnection } from './batch-connection.ts';
import { scaleOfBatch } from './batch-scale.ts';
import { CompareView } from './compare/compare-view.tsx';
import { ConnectionLost } from './connection-lost.tsx';
import { Explorer } from './explorer/explorer.tsx';
import { ExtremesBox } from './extremes.tsx';
import { FailuresBox } from './failures-box.tsx';
import { type Followed, type Follower, followBatch } from './follow.ts';
import { JudgeView } from './judge/judge-view.tsx';
import { NameForm } from './name-form.tsx';
import { OtherBatch } from './other-batch.tsx';
import { Counts, ProgressBar } from './progress.tsx';
import type { Sample } from './progress-samples.ts';
import { isContinuation, stateWords, titleOf } from './state.ts';
import { ExportBox } from './workbench/export-box.tsx';
import { useRememberedThreshold } from './workbench/use-remembered-threshold.ts';
import { Workbench } from './workbench/workbench.tsx';

export function BatchView({ id, tab }: { id: string; tab: BatchTab }) {
  const [followed, setFollowed] = useState<Followed>();
  const [failure, setFailure] = useState<RequestFailed>();
  useRememberedThreshold(id);
  const follower = useRef<Follower | undefined>(undefined);
  const follow = () => {
    follower.current = followBatch(id, batchConnection, setFollowed);
  };
  const unfollow = () => follower.current?.close();
  useEffect(() => onUnanswered(() => follower.current?.check()), []);
  useEffect(() => {
    follow();
    const store = () => follower.current?.store();
    addEventListener('pagehide', store);
    return () => {
      removeEventListener('pagehide', store);
      unfollow();
    };
  }, [id]);

  const crumbs = (
    <p class="crumbs">
      <a href={addressOf.batches}>Batches</a>
    </p>
  );
  const status = followed?.status;
  const name = titleOf(status ?? { id, name: null });
  if (status === undefined) {
    return (
      <>
        {crumbs}
        <h1>{name}</h1>
        {followed?.failure === undefined ? (
          <Waiting what="the batch">{followed?.isInterrupted && 'The page retries automatically.'}</Waiting>
        ) : (
          <>
            <ProblemBox failure={followed.failure} />
            {followed.failure.status === 404 && (
              <p class="soft after-problem">
                It may have been deleted, or its storage time may have ended. See{' '}
                <a href={addressOf.batches}>all batches</a>.
              </p>
            )}
          </>
        )}
      </>
    );
  }
  const { summary, samples = [] } = followed ?? {};
  const [tone, word] = stateWords(status);
  const scale = scaleOfBatch(status);
  return (
    <>
      {crumbs}
      <Heading
        key={id}
        status={status}
        badge={<Badge tone={tone}>{word}</Badge>}
        onChanged={() => follower.current?.refresh()}
      />
      <Origin status={status} />
      <Tabs id={id} current={tab} />
      {followed?.failure !== undefined && <ProblemBox failure={followed.failure} />}
      {followed?.isInterrupted && <ConnectionLost status={status} />}
      {tab === 'pairs' && <Explorer status={status} />}
      {tab === 'compare' &&
        (hasNothingToCompare(status) ? <NoScores status={status} what="compare" /> : <CompareView status={status} />)}
      {tab === 'judge' && <Judge status={status} summary={summary} />}
      {tab === 'scores' && (
        <div class="stack">
          <section class="card stack" aria-label="Progress">
            <ProgressBar items={status.items} />
            <Counts status={status} isInterrupted={followed?.isInterrupted === true} />
            {status.state === 'accepting' && (
              <p class="notice plain">The items are evaluated when all of them have arrived.</p>
            )}
            {status.waitingFor !== null && (
              <p class="notice">Workers cannot evaluate this batch now: {asSentence(status.waitingFor)}</p>
            )}
            {status.state === 'running' && status.phase === 'waiting' && status.waitingFor === null && (
              <p class="notice">Waiting for a free worker.</p>
            )}
            {status.phase === 'stopping' && <p class="notice">Stopping: workers finish the chunks in flight.</p>}
            {status.reason !== null && <p class="notice">{reasonWords[status.reason]}</p>}
            {status.inputError !== null && <p class="notice">{status.inputError.message}</p>}
            <Throughput samples={samples} isLive={status.finishedAt === null} />
            <BatchActions
              status={status}
              onChanged={() => follower.current?.refresh()}
              onDeletion={unfollow}
              onDeletionFailed={follow}
              onFailure={setFailure}
            />
            {failure !== undefined && <ProblemBox failure={failure} />}
          </section>
          {summary !== undefined && summary.succeeded > 0 && (
            <Workbench
              key={status.id}
              status={status}
              summary={summary}
              scale={scale}
              isInterrupted={followed?.isInterrupted === true}
            />
          )}
          {summary?.succeeded === 0 && status.finishedAt === null && status.requests === null && (
            <p class="empty">The scores appear here with the first results.</p>
          )}
          <ExportBox status={status} summary={summary} scale={scale} name={name} />
          <FailuresBox status={status} />
          {summary !== undefined && <ExtremesBox status={status} summary={summary} scale={scale} />}
        </div>
      )}
    </>
  );
}

/** The name of a batch with its state. Its button opens a form, which replaces the button. */
function Heading({
  status,
  badge,
  onChanged,
}: {
  status: BatchStatus;
  badge: ComponentChildren;
  onChanged: () => void;
}) {
  const [isEdited, setEdited] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const wasEdited = useRef(false);
  useLayoutEffect(() => {
    if (wasEdited.current && !isEdited) button.current?.focus();
    wasEdited.current = isEdited;
  }, [isEdited]);
  return (
    <>
      <div class="heading">
        <h1 class="given" dir="auto">
          {titleOf(status)}
        </h1>
        <div class="actions">
          {!isEdited && (
            <button ref={button} type="button" class="quiet" onClick={() => setEdited(true)}>
              Edit name and tags
            </button>
          )}
          <span role="status">{badge}</span>
        </div>
      </div>
      {isEdited && <NameForm status={status} onSaved={onChanged} onClose={() => setEdited(false)} />}
    </>
  );
}

const tabNames: Record<BatchTab, string> = {
  scores: 'Scores',
  pairs: 'Pairs',
  judge: 'Judge a sample',
  compare: 'Compare',
};

/** Links to the tabs. They keep only the threshold of the URL query; the other fields belong to a single tab. */
function Tabs({ id, current }: { id: string; current: BatchTab }) {
  const threshold = useHashQuery().query.get('threshold');
  const query = threshold === null ? '' : `?threshold=${threshold}`;
  return (
    <nav class="tabs" aria-label="Parts of the batch">
      <ul>
        {batchTabs.map((tab) => (
          <li key={tab}>
            <a href={`${addressOf.batch(id, tab)}${query}`} aria-current={tab === current ? 'page' : undefined}>
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
  input_lost: 'The stored items of this batch were lost.',
  model_unavailable: 'The model could not be loaded.',
} as const;

function Origin({ status }: { status: BatchStatus }) {
  return (
    <p class="soft origin">
      {status.state === 'accepting' ? 'Items are arriving' : numbers.counted(status.items.total, 'item')} for{' '}
      {modelsOf(status)}, posted {numbers.dateTime(status.createdAt)}
      {status.expiresAt !== null && <>, stored until {numbers.dateTime(status.expiresAt)}</>}.
      {status.tags.length > 0 && <Tags tags={status.tags} />}
      {status.input !== null && <> Read from {status.input}.</>}
      {status.files?.state === 'written' && <> Results written to {status.files.results}.</>}
      {status.files?.state === 'failed' && <> The result files were not written: {status.files.error}</>}
      {status.retryOf !== null && (
        <>
          {' '}
          {isContinuation(status) ? 'Continues' : 'Retries'} <OtherBatch id={status.retryOf} />.
        </>
      )}
      {status.rescoreOf !== null && (
        <>
          {' '}
          {status.texts === 'others' ? 'Wrong pairs: the images of ' : 'The items of '}
          <OtherBatch id={status.rescoreOf} />
          {status.texts === 'others' ? ' with the texts of other rows.' : ', scored once more.'}
        </>
      )}
      {status.retryOf === null && status.rescoreOf === null && status.imagesFrom !== null && (
        <>
          {' '}
          New texts for the images of <OtherBatch id={status.imagesFrom} />.
        </>
      )}
    </p>
  );
}

function Tags({ tags }: { tags: readonly string[] }) {
  return (
    <>
      {' '}
      {tags.length === 1 ? 'Tag' : 'Tags'}:{' '}
      {tags.map((tag, at) => (
        <Fragment key={tag}>
          {at > 0 && ', '}
          <a href={`${addressOf.batches}?${new URLSearchParams({ tag })}`}>
            <bdi>{tag}</bdi>
          </a>
        </Fragment>
      ))}
      .
    </>
  );
}

/** Returns the model of a batch, or its models with their shares of the images. */
function modelsOf({ model, precision, traffic }: BatchStatus): string {
  if (traffic === null) return `${model} (${precision})`;
  return traffic.map((arm) => `${arm.model} (${arm.role}, ${numbers.percent(arm.share)})`).join(' and ');
}

/** The number of samples from which the plot is shown. */
const leastSamples = 3;

/** A plot of the items per second, collapsed when the batch has ended. */
function Throughput({ samples, isLive }: { samples: readonly Sample[]; isLive: boolean }) {
  const [isOpen, setOpen] = useState(false);
  if (samples.length < leastSamples) {
    return isLive ? <p class="fine soft">The curve of items per second appears with the next results.</p> : null;
  }
  if (isLive) return <Plot samples={samples} hasCaption />;
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary class="fine soft">Items per second while it ran</summary>
      {isOpen && <Plot samples={samples} hasCaption={false} />}
    </details>
  );
}

/** Loads the plot library on first use, because no other view needs it. */
function Plot({ samples, hasCaption }: { samples: readonly Sample[]; hasCaption: boolean }) {
  const [Loaded, setLoaded] = useState<FunctionComponent<{ samples: readonly Sample[] }>>();
  const [failure, setFailure] = useState<RequestFailed>();
  useEffect(() => {
    answered(() => import('./rate-plot.tsx')).then((plot) => setLoaded(() => plot.RatePlot), setFailure);
  }, []);
  if (failure !== undefined) return <ProblemBox failure={failure} />;
  return (
    <figure class="rate">
      {hasCaption && <figcaption class="fine soft">Items per second</figcaption>}
      {Loaded === undefined ? (
        <div class="plot">
          <WaitingNote what="the plot" />
        </div>
      ) : (
        <Loaded samples={samples} />
      )}
    </figure>
  );
}

function Judge({ status, summary }: { status: BatchStatus; summary: BatchSummary | undefined }) {
  if (summary === undefined) return <Waiting what="the summary of the batch" />;
  if (summary.succeeded === 0) return <NoScores status={status} what="judge" />;
  return <JudgeView status={status} summary={summary} scale={scaleOfBatch(status)} />;
}

/** Returns false for a batch with cancelled items: its view offers to score them with another model. */
const hasNothingToCompare = ({ finishedAt, items }: BatchStatus): boolean =>
  items.succeeded === 0 && (finishedAt === null || items.cancelled === 0);

function NoScores({ status: { finishedAt }, what }: { status: BatchStatus; what: 'judge' | 'compare' }) {
  return (
    <p class="empty">
      {finishedAt === null ? 'No pair has a score yet.' : `No pair has a score, so there is nothing to ${what}.`}
    </p>
  );
}
