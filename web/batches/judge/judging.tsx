import { useEffect, useRef } from 'preact/hooks';
import { useSession } from '../../shell/session.tsx';
import { imageOf } from '../../ui/image-address.ts';
import { LongText } from '../../ui/long-text.tsx';
import * as numbers from '../../ui/numbers.ts';
import { isPageKey } from '../../ui/page-key.ts';
import { ImagesSwitch, useImageDisplay } from '../../ui/pairs.tsx';
import { Thumbnail } from '../../ui/thumbnail.tsx';
import { judgedCount, type SampledPair } from './labelled-sample.ts';

/** Shows one pair after another to judge. Keys: 1 for right, 2 for wrong, U or Backspace to undo. */
export function Judging({
  batch,
  tenant,
  pairs,
  late,
  takesFocus,
  onLabel,
}: {
  /** The id of the batch. */
  batch: string;
  tenant: string;
  pairs: readonly SampledPair[];
  /** The number of labels that the service has not stored for some time, in words. */
  late: string | undefined;
  /** True if the focus was on a control that this view has replaced. */
  takesFocus: boolean;
  /** Undefined removes the label. */
  onLabel: (index: number, isRight: boolean | undefined) => void;
}) {
  const images = useImageDisplay(useSession()?.tenant === tenant);
  const first = pairs.findIndex(({ isRight }) => isRight === undefined);
  const open = first < 0 ? pairs.length : first;
  const pair = pairs[open];
  const image = pair === undefined ? null : imageOf(batch, pair);
  const judged = judgedCount(pairs);
  // The pairs judged in this visit, the latest last. Another person may have judged others.
  const judgedHere = useRef<SampledPair[]>([]);
  const label = (isRight: boolean) => {
    if (pair === undefined) return;
    judgedHere.current.push(pair);
    onLabel(pair.index, isRight);
  };
  const undo = () => {
    // Pairs are judged in order, so in an earlier visit the pair before the open one was judged last.
    const last = judgedHere.current.pop() ?? pairs[open - 1];
    if (last !== undefined) onLabel(last.index, undefined);
  };

  // Keys may arrive before the effects of the last rendering have run, so their listener reads this.
  const latest = useRef({ label, undo });
  latest.current = { label, undo };
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.altKey || event.metaKey || !isPageKey(event)) return;
      const isUndo = event.key === 'u' || event.key === 'Backspace' || (event.ctrlKey && event.key === 'z');
      if (!isUndo && (event.ctrlKey || !['1', '2'].includes(event.key))) return;
      event.preventDefault();
      if (isUndo) latest.current.undo();
      else latest.current.label(event.key === '1');
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);

  const section = useRef<HTMLElement>(null);
  useEffect(() => {
    if (takesFocus) section.current?.focus();
  }, []);

  return (
    <section ref={section} class="card" aria-label="Pair to judge" tabIndex={-1}>
      <div class="heading">
        <p class="soft" role="status">
          {numbers.count(judged)} of {numbers.count(pairs.length)} judged
          {late !== undefined && `, ${late}`}
        </p>
        <ImagesSwitch images={images} listed={pairs.map((listed) => imageOf(batch, listed))} />
      </div>
      <progress max={pairs.length} value={judged} aria-label="Judged pairs" />
      {pair === undefined ? (
        <div class="empty">
          <p>All pairs are judged.</p>
        </div>
      ) : (
        <>
          <div class="pair-image">
            <Thumbnail image={image} path={pair.imagePath} shown={images.shown} />
          </div>
          <LongText key={open} class="pair-caption" text={pair.text.trim() === '' ? 'no text' : pair.text} />
          {image === null && (
            <p class="fine soft" dir="auto">
              {pair.imagePath ?? pair.id ?? `item ${numbers.count(pair.index)}`}
            </p>
          )}
        </>
      )}
      <p class="actions">
        <button type="button" class="primary" disabled={pair === undefined} onClick={() => label(true)}>
          Right <kbd>1</kbd>
        </button>
        <button type="button" disabled={pair === undefined} onClick={() => label(false)}>
          Wrong <kbd>2</kbd>
        </button>
        <button type="button" class="quiet" disabled={open === 0} onClick={undo}>
          Undo <kbd>U</kbd>
        </button>
      </p>
    </section>
  );
}
