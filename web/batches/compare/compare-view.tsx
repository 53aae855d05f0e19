import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import { haveSameScale } from '../../../shared/same-scale.ts';
import { useHashQuery } from '../../shell/hash-query.ts';
import { addressOf } from '../../shell/route.ts';
import { useSession } from '../../shell/session.tsx';
import { imageOf } from '../../ui/image-address.ts';
import { useModels } from '../../ui/model-select.tsx';
import { NumberField } from '../../ui/number-field.tsx';
import * as numbers from '../../ui/numbers.ts';
import { ImagesSwitch, useImageDisplay } from '../../ui/pairs.tsx';
import { PolledState } from '../../ui/polled-state.tsx';
import { scaleOf } from '../../ui/scale.ts';
import { ProgressBar } from '../progress.tsx';
import { titleOf } from '../state.ts';
import { Agreement } from './agreement.tsx';
import { followedWords } from './agreement-words.ts';
import { Disagreements } from './disagreements.tsx';
import { emptyWords } from './empty-words.ts';
import { otherModels, usableOf } from './other-models.ts';
import { candidatesOf, labelsOf, namesOf, optionWords, readCompareQuery } from './query.ts';
import { noChoiceWords } from './read-candidates.ts';
import { RescoreForm } from './rescore-form.tsx';
import { doubtWords } from './same-items.ts';
import { Scatter } from './scatter.tsx';
import { SidesBox } from './sides.tsx';
import { Unmatched } from './unmatched.tsx';
import { type Thresholds, useCandidates, useComparison, useFoundBatch, useMatched } from './use-comparison.ts';
import { WaitingForFigures } from './waiting-for-figures.tsx';

/** The whole state of the comparison is in the URL. */
export function CompareView({ status }: { status: BatchStatus }) {
  const { query, set } = useHashQuery();
  const asked = readCompareQuery(query);
  const threshold = asked.threshold ?? scaleOf(status.model).threshold;
  const installed = useModels().value;
  const models = installed && otherModels(status, installed);
  const hasModel = models !== undefined && status.requests === null && usableOf(models) !== undefined;
  const listed = useCandidates(status);
  const candidates = candidatesOf(status, listed.value ?? []);
  const found = useFoundBatch(status, asked.other === undefined ? listed.value && candidates : []);
  const other = asked.other ?? found.value ?? undefined;
  const thresholds: Thresholds = [threshold, asked.otherThreshold];
  const polled = useComparison(status, other, thresholds);
  const images = useImageDisplay(useSession()?.tenant === status.tenant);
  const shown = polled.value?.other.id === other ? polled.value : undefined;
  const isOld = shown !== undefined && String(shown.thresholds) !== String(thresholds);
  const fullNames = shown === undefined ? undefined : namesOf(status, shown.other, titleOf);
  const names = fullNames && labelsOf(fullNames);
  const matched = useMatched(status, shown?.other);
  const doubt = shown && matched && doubtWords(status, shown.other, matched);
  const empty = emptyWords(candidates.length, hasModel, status.finishedAt === null);
  const isSameScale = shown !== undefined && haveSameScale(status, shown.other);
  const wordsOf = (batch: BatchStatus) => optionWords(batch, [status, ...candidates], titleOf);
  const isSearched = found.value !== undefined || found.failure !== undefined;
  const choose = (id: string) => set({ other: id, otherThreshold: undefined });
  return (
    <div class="stack">
      <section class="card stack" aria-labelledby="compare">
        <div class="heading">
          <h2 id="compare">Compare</h2>
          {other !== undefined && (
            <a class="fine" href={addressOf.batch(other)}>
              Open the other batch
            </a>
          )}
        </div>
        <div class="compare-form">
          <label class="filter">
            <span>With</span>
            <select value={other ?? ''} onChange={(event) => choose(event.currentTarget.value)}>
              {other === undefined && (
                <option value="">
                  {noChoiceWords(isSearched ? candidates : undefined, listed.failure !== undefined)}
                </option>
              )}
              {other !== undefined && !candidates.some(({ id }) => id === other) && (
                <option value={other}>{shown === undefined ? other : wordsOf(shown.other)}</option>
              )}
              {candidates.map((batch) => (
                <option key={batch.id} value={batch.id}>
                  {wordsOf(batch)}
                </option>
              ))}
            </select>
          </label>
          <RescoreForm status={status} models={models} onStarted={(child) => choose(child.id)} reload={listed.reload} />
        </div>
        {other !== undefined && (
          <PolledState
            key={other}
            what={`the comparison of ${numbers.counted(status.items.total, 'item')}`}
            polled={{ ...polled, value: shown }}
          />
        )}
        {(other === undefined || listed.failure !== undefined) && (
          <PolledState what="the list of batches" polled={listed} />
        )}
        {other === undefined && listed.value !== undefined && (
          <PolledState what="the first items of the batches" polled={found} />
        )}
        {other === undefined && isSearched && (
          <div class="empty">
            <p>{empty.title}</p>
            <p class="soft">{empty.advice}</p>
          </div>
        )}
        {doubt !== undefined && (
          <p class="notice" role="status">
            {doubt}
          </p>
        )}
        {shown !== undefined && shown.other.finishedAt === null && (
          <div class="stack">
            <p class="soft">
              {shown.comparison.compared === 0
                ? 'No item has a score in both batches yet. The comparison starts with the first one.'
                : `${numbers.count(shown.comparison.compared)} of ${numbers.counted(shown.other.items.total, 'item')} have a score in both batches so far. Everything below is about these items.`}
            </p>
            <ProgressBar items={shown.other.items} />
          </div>
        )}
        {names?.[0].startsWith('…') && (
          <p class="fine soft">
            <bdi>{names[0]}</bdi> is <bdi>{fullNames?.[0]}</bdi>, <bdi>{names[1]}</bdi> is <bdi>{fullNames?.[1]}</bdi>.
          </p>
        )}
        {shown !== undefined && names !== undefined && shown.comparison.compared > 0 && (
          <div class={isOld ? 'compare-top old-figures' : 'compare-top'}>
            <Scatter
              comparison={shown.comparison}
              names={names}
              onThresholds={(here, there) => set({ threshold: String(here), otherThreshold: String(there) })}
            />
            <div class="stack">
              <Agreement comparison={shown.comparison} names={names} isSameModel={isSameScale} />
              {shown.other.finishedAt !== null && status.finishedAt !== null && (
                <Unmatched comparison={shown.comparison} names={names} />
              )}
              <div class="threshold-fields">
                <NumberField
                  label={`Keep from, ${names[0]}`}
                  value={threshold}
                  min={0}
                  max={100}
                  step={0.1}
                  onChange={(value) => set({ threshold: String(value) })}
                />
                <NumberField
                  label={`Keep from, ${names[1]}`}
                  value={asked.otherThreshold ?? shown.comparison.sides?.otherThreshold ?? 0}
                  min={0}
                  max={100}
                  step={0.1}
                  onChange={(value) => set({ otherThreshold: String(value) })}
                />
              </div>
              {asked.otherThreshold !== undefined && (
                <button type="button" class="link" onClick={() => set({ otherThreshold: undefined })}>
                  Let the second threshold follow the first
                </button>
              )}
              <p class="fine soft follows" role="status">
                {isOld && polled.failure === undefined ? (
                  <WaitingForFigures key={String(thresholds)} thresholds={thresholds} />
                ) : (
                  asked.otherThreshold === undefined &&
                  shown.comparison.sides &&
                  followedWords(shown.comparison.sides, shown.comparison.compared, names, isSameScale)
                )}
              </p>
            </div>
          </div>
        )}
        {shown !== undefined && shown.comparison.compared === 0 && shown.other.finishedAt !== null && (
          <p class="empty">No item has a score in both batches.</p>
        )}
      </section>
      {shown !== undefined && names !== undefined && shown.comparison.compared > 0 && (
        <>
          <SidesBox status={status} compared={shown} isOld={isOld} names={names} images={images.shown} />
          <section class="card stack" aria-labelledby="disagreements">
            <div class="heading">
              <h2 id="disagreements">Largest disagreements</h2>
              <ImagesSwitch
                images={images}
                listed={Object.values(shown.comparison.disagreements).flatMap((pairs) =>
                  pairs.map((pair) => imageOf(status.id, pair)),
                )}
              />
            </div>
            <Disagreements
              status={status}
              comparison={shown.comparison}
              names={names}
              isSameScale={isSameScale}
              images={images.shown}
            />
          </section>
        </>
      )}
    </div>
  );
}
