import { useState } from 'preact/hooks';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { BatchSummary } from '../../../shared/contracts/batch/summary.ts';
import { type FormatName, formatNamed } from '../../../shared/formats.ts';
import type { RequestFailed } from '../../http/client.ts';
import * as numbers from '../../ui/numbers.ts';
import { ProblemBox } from '../../ui/problem.tsx';
import type { Scale } from '../../ui/scale.ts';
import { type Formulas, saveResults, saveText } from '../downloads.ts';
import { justBelow } from './distribution.ts';
import { useThreshold } from './use-threshold.ts';

const parts = ['passing', 'failing', 'all', 'failed'] as const;
type Part = (typeof parts)[number];
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
  const [chosen, setPart] = useState<Part>();
  // Without a scored pair (a batch has just started), no pair can reach the threshold.
  const part = chosen ?? (status.items.succeeded > 0 ? 'passing' : 'all');
  const [format, setFormat] = useState<FormatName>('csv');
  const [formulas, setFormulas] = useState<Formulas>('escape');
  const [withNote, setWithNote] = useState(true);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<RequestFailed>();
  const at = numbers.threshold(threshold);
  const words: Record<Part, string> = {
    passing: `pairs from ${at}`,
    failing: `pairs below ${at}`,
    all: 'all items',
    failed: 'failed items',
  };

  async function save(): Promise<void> {
    setBusy(true);
    setFailure(undefined);
    const selection = selectionOf(part, threshold);
    const { hasColumns, isText, endings } = formatNamed(format);
    const base = fileName(name, part, at);
    try {
      await saveResults(status.id, format, `${base}.${endings[0]}`, {
        ...selection,
        ...(hasColumns && isText && { formulas }),
        ...(!hasColumns && { items: 'true' }),
      });
      if (withNote) saveText(noteOf(status, part, selection), `${base}.${endings[0]}.json`);
    } catch (error) {
      setFailure(error as RequestFailed);
    }
    setBusy(false);
  }

  const cells = summary?.formulaCells ?? 0;
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
              .filter((each) => each !== 'failed' || status.items.failed > 0)
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
        <button type="submit" class="primary" disabled={busy}>
          {busy ? 'Downloading…' : 'Download'}
        </button>
      </form>
      <label class="check">
        <input type="checkbox" checked={withNote} onChange={(event) => setWithNote(event.currentTarget.checked)} />
        Also save a file with model, revision and threshold
      </label>
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

export function selectionOf(part: Part, threshold: number): Record<string, string> {
  if (part === 'passing') return { status: 'succeeded', minScore: String(threshold) };
  if (part === 'failing') return { status: 'succeeded', maxScore: String(justBelow(threshold)) };
  return part === 'failed' ? { status: 'failed' } : {};
}

function fileName(name: string, part: Part, at: string): string {
  const base = name.replace(/\.[a-z]+(\.gz)?$/i, '').replaceAll(/[^\p{L}\p{N}_-]+/gu, '-');
  const words: Record<Part, string> = { passing: `from-${at}`, failing: `below-${at}`, all: 'all', failed: 'failed' };
  return `${base}-${words[part]}`;
}

/** Returns the note for a file of results. It states the selection, and the model that computed the scores. */
function noteOf(status: BatchStatus, part: Part, selection: Record<string, string>): string {
  const { id, model, revision, precision, preprocess, textCleaning, items } = status;
  const receipt = { model, revision, precision, preprocess, textCleaning };
  const note = { batch: id, part, selection, receipt, items, savedAt: new Date().toISOString() };
  return `${JSON.stringify(note, null, 2)}\n`;
}
