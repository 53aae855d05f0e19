import { useState } from 'preact/hooks';
import { usePolled } from '../http/use-polled.ts';
import { useHashQuery } from '../shell/hash-query.ts';
import { addressOf } from '../shell/route.ts';
import { useDroppedFile } from '../ui/dropped-file.ts';
import { PolledState } from '../ui/polled-state.tsx';
import { ProblemBox } from '../ui/problem.tsx';
import { WaitingNote } from '../ui/waiting.tsx';
import { BatchRow } from './list/batch-row.tsx';
import { filterOf, isFiltered, ListFilters } from './list/list-filters.tsx';
import { loadPage, useOlder } from './list/pages.ts';
import { LazyNewView } from './new/lazy-new-view.tsx';

const liveMs = 2_000;
const quietMs = 10_000;

export function ListView() {
  const [dropped, setDropped] = useState<File>();
  useDroppedFile(setDropped);
  return dropped === undefined ? <BatchList /> : <LazyNewView dropped={dropped} />;
}

function BatchList() {
  const hashQuery = useHashQuery();
  const filter = filterOf(hashQuery.query);
  const polled = usePolled(
    `batches ${filter.states} ${filter.tag} ${filter.search}`,
    (signal) => loadPage(filter, '', signal),
    (list) => (list?.batches.some(({ finishedAt }) => finishedAt === null) ? liveMs : quietMs),
  );
  const { value } = polled;
  const older = useOlder(value, filter);
  const batches = [...(value?.batches ?? []), ...older.batches];
  const hasFilters = isFiltered(filter) || batches.length > 0;
  return (
    <>
      <div class="heading">
        <h1>Batches</h1>
        <a class="button primary" href={addressOf.newBatch}>
          New batch
        </a>
      </div>
      {hasFilters && <ListFilters {...hashQuery} />}
      <PolledState what="the list of batches" polled={polled} />
      {value !== undefined && batches.length === 0 && (hasFilters ? <NoMatch /> : <NoBatches />)}
      <ul class="batches">
        {batches.map((batch) => (
          <li key={batch.id}>
            <BatchRow batch={batch} all={batches} onTag={(tag) => hashQuery.set({ tag })} />
          </li>
        ))}
      </ul>
      {older.failure !== undefined && <ProblemBox failure={older.failure} />}
      {older.next !== null && (
        <button type="button" disabled={older.busy} onClick={() => void older.load()}>
          {older.busy ? 'Loading…' : 'Older batches'}
        </button>
      )}
      {older.busy && <WaitingNote what="the older batches" />}
    </>
  );
}

function NoMatch() {
  return (
    <div class="empty">
      <p>No batch matches.</p>
      <p class="soft">
        <a href={addressOf.batches}>Show all batches</a>
      </p>
    </div>
  );
}

function NoBatches() {
  return (
    <div class="empty">
      <p>No batches yet.</p>
      <p class="soft">
        A batch scores every row of a file: CSV, NDJSON, Parquet or a tar of images. Drop a file here, or{' '}
        <a href={addressOf.newBatch}>start one</a>.
      </p>
    </div>
  );
}
