import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { useHashQuery } from '../../shell/hash-query.ts';
import { useSession } from '../../shell/session.tsx';
import { imageOf } from '../../ui/image-address.ts';
import * as numbers from '../../ui/numbers.ts';
import { isPageKey } from '../../ui/page-key.ts';
import { ImagesSwitch, useImageDisplay } from '../../ui/pairs.tsx';
import { ProblemBox } from '../../ui/problem.tsx';
import { namedAfter, useSecondsSinceShown, Waiting } from '../../ui/waiting.tsx';
import { scaleOfBatch } from '../batch-scale.ts';
import { ColumnsMenu } from './columns-menu.tsx';
import { Filters } from './filters.tsx';
import { galleryRowHeight, PairGallery, tilesIn } from './gallery.tsx';
import { countWords, emptyWords } from './list-words.ts';
import { useListing } from './listing.ts';
import type { Listing } from './listing-source.ts';
import { shownColumns } from './own-columns.ts';
import { PairDialog } from './pair-dialog.tsx';
import { apiQuery, canSkip, isFiltered, noFilters, readQuery, scoreEdges } from './query.ts';
import { PairTable, tableHeaderHeight, tableRowHeight } from './table.tsx';
import { useHeldRow } from './use-held-row.ts';
import { rowsBelow, useListPosition } from './use-list-position.ts';
import { usePair } from './use-pair.ts';
import { useVisibleRows } from './visible-rows.ts';

/** The time in ms after which a failed request for pairs is repeated. */
const retryMs = 5_000;

/** The pairs of a batch, with filters. The whole state is in the URL. */
export function Explorer({ status }: { status: BatchStatus }) {
  const hashQuery = useHashQuery();
  const { query, set } = hashQuery;
  const asked = useMemo(() => readQuery(query), [query]);
  const isEnded = status.finishedAt !== null;
  const selection = apiQuery(asked, isEnded);
  const { listing, known } = useListing(status.id, selection, canSkip(asked, status));
  const images = useImageDisplay(useSession()?.tenant === status.tenant);
  const columns = shownColumns(asked.columns, known);
  const isGallery = asked.view === 'gallery';

  const box = useRef<HTMLDivElement>(null);
  const [current, setCurrent] = useState(0);
  const [tiles, setTiles] = useState(4);
  const lines = isGallery ? Math.ceil(listing.count / tiles) : listing.count;
  const visible = useVisibleRows(
    box,
    isGallery ? galleryRowHeight(columns.length) : tableRowHeight,
    lines,
    isGallery ? 0 : tableHeaderHeight,
  );
  useEffect(() => setTiles(tilesIn(visible.width)), [visible.width]);
  const perLine = isGallery ? tiles : 1;
  const wanted = { from: visible.from * perLine, to: Math.min(listing.count, visible.to * perLine) };
  const awaited = useListPosition({
    batch: status.id,
    pairs: JSON.stringify(selection),
    view: asked.view,
    row: asked.row,
    first: visible.first * perLine,
    count: listing.count,
    isComplete: listing.isComplete,
    hashQuery,
    show(row) {
      setCurrent(row);
      visible.showFirst(Math.floor(row / perLine));
    },
  });
  useEffect(() => {
    // The number of rows is known after the first ones have loaded.
    if (awaited === undefined || listing.count === 0) listing.show(wanted.from, wanted.to);
    else listing.show(awaited, awaited + rowsBelow);
  });
  const held = useHeldRow(listing, wanted.from, wanted.to);
  const rendered = held === undefined ? visible : visible.startingAt(Math.floor(held / perLine));
  const { before, after } = rendered;
  const from = rendered.from * perLine;
  const to = Math.min(listing.count, rendered.to * perLine);
  // A link far down in another tab may lead here. Its scroll position would hide the title and the filters.
  useEffect(() => scrollTo(0, 0), []);

  /** Makes another row current, after an arrow key or a step to the next pair in the dialog. */
  function goTo(row: number): ItemResult | undefined {
    const next = Math.max(0, Math.min(listing.count - 1, row));
    setCurrent(next);
    visible.showRow(isGallery ? Math.floor(next / tiles) : next);
    return listing.at(next);
  }

  function onKeyDown(event: KeyboardEvent): void {
    const step = {
      ArrowDown: perLine,
      ArrowUp: -perLine,
      ArrowRight: isGallery ? 1 : 0,
      ArrowLeft: isGallery ? -1 : 0,
      PageDown: perLine * 8,
      PageUp: -perLine * 8,
      Home: -listing.count,
      End: listing.count,
    }[event.key];
    if (step === undefined || step === 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    goTo(current + step);
    focusWhenThere.current = true;
  }
  /** True after an arrow key, until the link in the new current row has the focus. */
  const focusWhenThere = useRef(false);
  // Unlike other effects, a layout effect runs before the next key press.
  useLayoutEffect(focusIfWanted);

  function focusIfWanted(): void {
    if (!focusWhenThere.current) return;
    const link = box.current?.querySelector<HTMLElement>(`[data-row="${current}"]`);
    if (link === null || link === undefined) return;
    focusWhenThere.current = false;
    link.focus({ preventScroll: true });
    // The box may be partly outside the window.
    link.closest('tr, .tile')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  /** Moves the focus to the current row. */
  function focusCurrent(): void {
    focusWhenThere.current = true;
    goTo(current);
    focusIfWanted();
  }
  useEffect(() => {
    const answer = listing.failure?.status;
    if (answer === undefined || (answer > 0 && answer < 500)) return;
    const timer = setTimeout(listing.retry, retryMs);
    return () => clearTimeout(timer);
  }, [listing.failure]);
  // Keys may arrive before the effects of the last rendering have run, so their listener reads this.
  const focusList = useRef(focusCurrent);
  focusList.current = focusCurrent;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const { key, target } = event;
      const search = document.querySelector<HTMLElement>('.filters input');
      const isElsewhere = !box.current?.contains(target as Node) && !(target as Element).matches('[type=radio]');
      const isToList = key === 'ArrowDown' && isElsewhere && (target === search || isPageKey(event));
      if (!isToList && !(key === '/' && isPageKey(event))) return;
      event.preventDefault();
      if (isToList) focusList.current();
      else search?.focus();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);

  const opened = asked.pair === undefined ? undefined : rowOf(listing, asked.pair, current);
  const pair = usePair(status, asked.pair, opened === undefined ? undefined : listing.at(opened));
  const scale = scaleOfBatch(status);
  const isRowMissing =
    listing.isLoading &&
    wanted.from < wanted.to &&
    [wanted.from, wanted.to - 1].some((row) => listing.at(row) === undefined);
  const marked = opened ?? current;
  const loaded = Array.from({ length: Math.max(0, to - from) }, (_, at) => listing.at(from + at)).filter(
    (result) => result !== undefined,
  );
  const shared = {
    batch: status.id,
    listing,
    from,
    to,
    before,
    after,
    current: marked,
    images: images.shown,
    scale,
    edges: scoreEdges(asked),
    distinct: asked.distinct,
    columns,
  };
  return (
    <section class="explorer" aria-label="Pairs">
      <Filters status={status} asked={asked} set={set} />
      <div class="explorer-bar">
        <p class="soft" role="status">
          {countWords(listing, status.items.total, asked)}
          {isRowMissing && <WaitingForRows {...wanted} />}
        </p>
        <div class="actions">
          <ImagesSwitch
            images={images}
            listed={loaded.flatMap((pair) => {
              const image = imageOf(status.id, pair);
              // The error of a failed pair says why it has no image.
              return image === null && pair.status === 'failed' ? [] : [image];
            })}
          />
          <ColumnsMenu known={known} shown={columns} set={set} />
          <fieldset class="segments" aria-label="View">
            {(['table', 'gallery'] as const).map((view) => (
              <label key={view}>
                <input
                  type="radio"
                  name="view"
                  checked={asked.view === view}
                  onChange={() => set({ view: view === 'table' ? undefined : view })}
                  onClick={({ detail }) => {
                    // After a click of the mouse, the arrow keys are for the pairs. An arrow key clicks, too, without one.
                    focusWhenThere.current ||= detail > 0;
                  }}
                />
                <span>{view === 'table' ? 'Table' : 'Gallery'}</span>
              </label>
            ))}
          </fieldset>
        </div>
      </div>
      {listing.failure !== undefined && <ProblemBox failure={listing.failure} retry={listing.retry} />}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the links inside it are the controls; it adds keys and a larger target to them. */}
      <div
        ref={box}
        class={`explorer-box ${asked.view}`}
        onKeyDown={onKeyDown}
        onClick={(event) => {
          const link = (event.target as Element).closest('tr, .tile')?.querySelector<HTMLElement>('.row-link');
          if (link === null || link === undefined) return;
          setCurrent(Number(link.dataset['row']));
          if (!(event.target as Element).closest('a')) link.click();
        }}
      >
        {listing.count === 0 ? (
          <Nothing
            listing={listing}
            words={emptyWords(asked)}
            onClear={isFiltered(asked) ? () => set(noFilters) : undefined}
          />
        ) : isGallery ? (
          <PairGallery {...shared} tiles={tiles} />
        ) : (
          <PairTable {...shared} />
        )}
      </div>
      {listing.count > 0 && (
        <p class="fine soft keys-hint">
          Arrow keys move, Enter opens a pair, <kbd>/</kbd> goes to the search.
        </p>
      )}
      {pair !== undefined && (
        <PairDialog
          status={status}
          result={pair}
          images={images.shown}
          onStep={(step) => {
            const next = goTo((opened ?? current) + (opened === undefined ? 0 : step));
            if (next !== undefined) set({ pair: String(next.index) });
          }}
          onClose={() => {
            focusWhenThere.current = true;
            setCurrent(marked);
            set({ pair: undefined });
          }}
        />
      )}
    </section>
  );
}

/** Returns the row of the pair with this item index; undefined if it is not loaded. Rows near the current one are tried
 * first. */
function rowOf(listing: Listing, index: number, current: number): number | undefined {
  for (const row of [current, current + 1, current - 1]) if (listing.at(row)?.index === index) return row;
  return listing.rowOf(index);
}

function WaitingForRows({ from, to }: { from: number; to: number }) {
  const seconds = useSecondsSinceShown();
  if (seconds < namedAfter) return null;
  return (
    <>
      {' '}
      Waiting for pairs {numbers.count(from + 1)} to {numbers.count(to)}: {seconds} s without an answer from the
      service.
    </>
  );
}

/** @param onClear clears the filters; undefined if none is set. */
function Nothing({ listing, words, onClear }: { listing: Listing; words: string; onClear: (() => void) | undefined }) {
  if (listing.failure !== undefined) return null;
  if (!listing.isComplete) return <Waiting what="the pairs" />;
  return (
    <div class="empty">
      <p>{words}</p>
      {onClear !== undefined && (
        <p>
          <button type="button" class="link" onClick={onClear}>
            Show all pairs
          </button>
        </p>
      )}
    </div>
  );
}
