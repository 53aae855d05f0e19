import type { ListedBatch } from '../../../shared/contracts/batch/list.ts';
import { addressOf } from '../../shell/route.ts';
import { Badge } from '../../ui/badge.tsx';
import * as numbers from '../../ui/numbers.ts';
import { scaleOf } from '../../ui/scale.ts';
import { ProgressBar } from '../progress.tsx';
import { linkWords, modelWords, originOf, stateWords, titleOf } from '../state.ts';
import { MiniHistogram } from './mini-histogram.tsx';

/** The maximum number of tags in a row. The view of the batch has all. */
const shownTags = 3;

export function BatchRow({
  batch,
  all,
  onTag,
}: {
  batch: ListedBatch;
  /** The listed batches. The origin of the batch may be one of them. */
  all: readonly ListedBatch[];
  onTag: (tag: string) => void;
}) {
  const { id, tags, items, createdAt, finishedAt } = batch;
  const [tone, word] = stateWords(batch);
  const isLive = finishedAt === null;
  const title = titleOf(batch);
  const origin = originOf(batch);
  return (
    <article class="batch-row">
      <div class="batch-title">
        <a class="batch-name cut" dir="auto" href={addressOf.batch(id)} title={title}>
          {title}
        </a>
        {tags.slice(0, shownTags).map((tag) => (
          <button
            key={tag}
            type="button"
            class="tag cut"
            dir="auto"
            title={`Show batches with the tag ${tag}`}
            onClick={() => onTag(tag)}
          >
            {tag}
          </button>
        ))}
        {tags.length > shownTags && (
          <span class="soft more-tags" title={tags.slice(shownTags).join(', ')}>
            +{tags.length - shownTags}
          </span>
        )}
      </div>
      <Scores batch={batch} />
      <span class="batch-state">
        <Badge tone={tone}>{word}</Badge>
        {isLive && <ProgressBar items={items} />}
      </span>
      <span class="soft batch-facts">
        {factsOf(batch)}
        {origin !== undefined && (
          <>
            , {origin.words}{' '}
            <a class="cut" href={addressOf.batch(origin.id)}>
              <bdi>
                {linkWords(
                  origin.id,
                  all.find((each) => each.id === origin.id),
                )}
              </bdi>
            </a>
          </>
        )}
      </span>
      <time class="soft batch-time" dateTime={createdAt} title={numbers.dateTime(createdAt)}>
        {numbers.ago(createdAt)}
      </time>
    </article>
  );
}

function Scores({ batch: { scores, model } }: { batch: ListedBatch }) {
  if (scores === undefined || scores === null) return <span class="batch-scores" />;
  return (
    <span class="batch-scores">
      <MiniHistogram histogram={scores.histogram} top={scaleOf(model).top} />
      <span class="batch-mean">
        <strong class="num">{numbers.score(scores.mean)}</strong>
        <span class="soft">mean</span>
      </span>
    </span>
  );
}

function factsOf(batch: ListedBatch): string {
  const { state, items, finishedAt, itemsPerSecond, etaSeconds } = batch;
  const model = modelWords(batch);
  // The number of items is known when all have arrived.
  const facts = state === 'accepting' ? [model] : [numbers.counted(items.total, 'item'), model];
  if (finishedAt === null && itemsPerSecond !== null && etaSeconds !== null) {
    facts.push(`${numbers.rate(itemsPerSecond)} items/s`, `${numbers.duration(etaSeconds)} left`);
  }
  return facts.join(', ');
}
