import { useState } from 'preact/hooks';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { BatchSummary } from '../../../shared/contracts/batch/summary.ts';
import { type FormatName, formatNamed, itemsQuery } from '../../../shared/formats.ts';
import type { RequestFailed } from '../../http/client.ts';
import * as numbers from '../../ui/numbers.ts';
import { ProblemBox } from '../../ui/problem.tsx';
import type { Scale } from '../../ui/scale.ts';
import { WaitingNote } from '../../ui/waiting.tsx';
import { countResults, type Formulas, saveResults, saveText } from '../downloads.ts';
import { exportName, noteOf, type Part, parts, selectionOf } from './exported.ts';
import { useLeftOutImages } from './use-left-out-images.ts';
import { useThreshold } from './use-threshold.ts';

/** The part of a download that has not arrived. */
type Awaited = 'the number of rows' | 'the file' | 'the rest of the file' | 'the number of saved rows';

const written: FormatName[] = ['csv', 'ndjson', 'parquet'];

export function ExportBox({
  status,
  summary,
  scale,
  name,
}: {
  status: BatchStatus;
  summary: BatchSummary | undefined;
  scale: Scale;
  name: string;
}) {
  const [threshold] = useThreshold(scale);
  const leavesImagesOut = useLeftOutImages(status);
  const [chosen, setPart] = useState<Part>();
  // Without a scored pair (a batch has just started), no pair can reach the threshold.
  const part = chosen ?? (status.items.succeeded > 0 ? 'passing' : 'all');
  const [format, setFormat] = useState<FormatName>('csv');
  const [formulas, setFormulas] = useState<Formulas>('escape');
  const [withNote, setWithNote] = useState(true);
  const [awaited, setAwaited] = useState<Awaited>();
  const [failure, setFailure] = useState<RequestFailed>();
  const at = numbers.threshold(threshold);
  const words: Record<Part, string> = {
    passing: `pairs from ${at}`,
    failing: `pairs below ${at}`,
    all: status.finishedAt === null ? 'all results so far' : 'all items',
    failed: 'failed items',
  };

  async function save(): Promise<void> {
    setAwaited('the number of rows');
    setFailure(undefined);
    const selection = selectionOf(part, threshold);
    const chosen = formatNamed(format);
    const { hasColumns, isText, endings } = chosen;
    const file = `${exportName(name, part, threshold)}.${endings[0]}`;
    try {
      const before = withNote ? await countResults(status.id, selection) : undefined;
      setAwaited('the file');
      const query = { ...selection, ...(hasColumns && isText && { formulas }), ...itemsQuery(chosen) };
      await saveResults(status.id, format, file, query, () => setAwaited('the rest of the file'));
      if (withNote) {
        setAwaited('the number of saved rows');
        // While the batch runs, results may arrive during the download. Only equal counts are the number of saved rows.
        const after = await countResults(status.id, selection);
        saveText(noteOf(status, part, threshold, before === after ? after : undefined), `${file}.json`);
      }
    } catch (error) {
      setFailure(error as RequestFailed);
    }
    setAwaited(undefined);
  }

  const { total, pending, succeeded, failed } = status.items;
  const offered: Record<Part, boolean> = {
    passing: succeeded > 0,
    failing: succeeded > 0,
    all: true,
    failed: failed > 0,
  };
  const cells = summary?.formulaCells ?? 0;
  if (total === pending) {
    return (
      <section class="card" aria-labelledby="export">
        <h2 id="export">Export</h2>
        <p class="soft">There are no results to export{status.finishedAt === null && ' yet'}.</p>
      </section>
    );
  }
  return (
    <section class="card" aria-labelledby="export">
      <h2 id="export">Export</h2>
      <form
        class="export"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <label class="filter">
          <span>What</span>
          <select value={part} onChange={(event) => setPart(event.currentTarget.value as Part)}>
            {parts
              .filter((each) => offered[each])
              .map((each) => (
                <option key={each} value={each}>
                  {words[each]}
                </option>
              ))}
          </select>
        </label>
        <label class="filter">
          <span>Format</span>
          <select value={format} onChange={(event) => setFormat(event.currentTarget.value as FormatName)}>
            {written.map((each) => (
              <option key={each} value={each}>
                {formatNamed(each).label}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" class="primary" disabled={awaited !== undefined}>
          {awaited !== undefined ? 'Downloading…' : 'Download'}
        </button>
      </form>
      {awaited !== undefined && (
        <WaitingNote key={awaited} what={awaited} isAnswered={awaited === 'the rest of the file'} />
      )}
      <label class="check">
        <input type="checkbox" checked={withNote} onChange={(event) => setWithNote(event.currentTarget.checked)} />
        Also save a file with model, revision, threshold and number of rows
      </label>
      {format === 'ndjson' && (
        <p class="fine soft">
          NDJSON has the columns of image and text as <code>image</code> and <code>text</code>, and the other columns in{' '}
          <code>metadata</code>. CSV and Parquet keep the columns of your file.
        </p>
      )}
      {leavesImagesOut && (
        <p class="fine soft">
          The file leaves out the bytes of images. For Parquet and tar, <code>vls batch … --keep</code> writes the
          selected rows with them.
        </p>
      )}
      {format === 'csv' && (
        <label class="check">
          <input
            type="checkbox"
            checked={formulas === 'escape'}
            onChange={(event) => setFormulas(event.currentTarget.checked ? 'escape' : 'keep')}
          />
          CSV for spreadsheets: escape formulas with an apostrophe
          {cells > 0 && ` (${numbers.counted(cells, 'cell')})`}
        </label>
      )}
      {failure !== undefined && <ProblemBox failure={failure} />}
    </section>
  );
}
