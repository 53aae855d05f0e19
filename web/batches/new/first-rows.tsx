import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { ImagesSwitch, useImageDisplay } from '../../ui/pairs.tsx';
import { WaitingNote } from '../../ui/waiting.tsx';
import { type ColumnMapping, mappingError } from './column-mapping.ts';
import { cellText, webAddressOf } from './files/cell.ts';
import { rowFaultsOf } from './files/row-faults.ts';
import { scoreRow } from './files/score-row.ts';
import { scoreRows, type Trial } from './files/trial.ts';
import type { Preview } from './preview.ts';
import { PreviewTable } from './preview-table.tsx';

export function FirstRows({ preview, mapping, model }: { preview: Preview; mapping: ColumnMapping; model: string }) {
  const images = useImageDisplay(true);
  const { columns, rows } = preview;
  const faults = useMemo(() => rowFaultsOf(preview, mapping), [preview, mapping]);
  const { trials, isRunning, start } = useTrials(preview, mapping, model, faults);
  const hasAddresses = rows.some((row) => webAddressOf(row[columns.indexOf(mapping.image)] ?? '') !== undefined);
  return (
    <>
      <PreviewTable
        preview={preview}
        mapping={mapping}
        images={images.shown}
        faults={faults}
        trials={trials}
        isTried={isRunning}
      />
      <div class="actions">
        <button
          type="button"
          disabled={isRunning || faults.size === rows.length || mappingError(mapping) !== undefined}
          onClick={start}
        >
          {isRunning ? 'Scoring…' : trialWords(rows.length, faults.size)}
        </button>
        <span class="fine soft">A trial before the start. Nothing is stored.</span>
        {hasAddresses && <ImagesSwitch images={images} />}
      </div>
      {isRunning && <WaitingNote key={trials.size} what={`the score of row ${trials.size + 1}`} />}
    </>
  );
}

function trialWords(rows: number, faults: number): string {
  if (faults > 0 && faults < rows) return `Score ${rows - faults} of these ${rows} rows`;
  return rows === 1 ? 'Score this row' : `Score these ${rows} rows`;
}

/** Scores the shown rows. Other columns or another model discard the scores. */
function useTrials(
  { columns, rows }: Preview,
  { image, text }: ColumnMapping,
  model: string,
  faults: ReadonlyMap<number, string>,
) {
  const [trials, setTrials] = useState<ReadonlyMap<number, Trial>>(new Map());
  const [isRunning, setRunning] = useState(false);
  const running = useRef<AbortController | undefined>(undefined);
  useEffect(() => {
    setTrials(new Map());
    setRunning(false);
    return () => running.current?.abort();
  }, [rows, image, text, model]);

  async function run(): Promise<void> {
    const controller = new AbortController();
    running.current = controller;
    setTrials(new Map());
    setRunning(true);
    const pairs = rows.map((row, at) => ({
      fault: faults.get(at),
      image: row[columns.indexOf(image)] ?? '',
      text: cellText(row[columns.indexOf(text)] ?? ''),
    }));
    const add = (row: number, trial: Trial) => setTrials((known) => new Map(known).set(row, trial));
    try {
      await scoreRows(pairs, (row) => scoreRow(row, model, controller.signal), add);
    } catch (error) {
      if (controller.signal.aborted) return;
      throw error;
    }
    setRunning(false);
  }

  return { trials, isRunning, start: () => void run() };
}
