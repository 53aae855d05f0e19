import { useEffect, useRef, useState } from 'preact/hooks';
import { ImagesSwitch, useImageDisplay } from '../ui/pairs.tsx';
import { type ColumnMapping, mappingError } from './column-mapping.ts';
import { cellText, webAddressOf } from './files/cell.ts';
import { scoreRows, type Trial } from './files/trial.ts';
import type { Preview } from './preview.ts';
import { PreviewTable } from './preview-table.tsx';

export function FirstRows({ preview, mapping, model }: { preview: Preview; mapping: ColumnMapping; model: string }) {
  const images = useImageDisplay(true);
  const { trials, isRunning, start } = useTrials(preview, mapping, model);
  const { columns, rows } = preview;
  const hasAddresses = rows.some((row) => webAddressOf(row[columns.indexOf(mapping.image)] ?? '') !== undefined);
  return (
    <>
      <PreviewTable preview={preview} mapping={mapping} images={images.shown} trials={trials} isTried={isRunning} />
      <div class="actions">
        <button type="button" disabled={isRunning || mappingError(mapping) !== undefined} onClick={start}>
          {isRunning ? 'Scoring…' : rows.length === 1 ? 'Score this row' : `Score these ${rows.length} rows`}
        </button>
        <span class="fine soft">A trial before the start. Nothing is stored.</span>
        {hasAddresses && <ImagesSwitch images={images} />}
      </div>
    </>
  );
}

/** Scores the shown rows. Other columns or another model discard the scores. */
function useTrials({ columns, rows }: Preview, { image, text }: ColumnMapping, model: string) {
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
    const pairs = rows.map((row) => ({
      image: row[columns.indexOf(image)] ?? '',
      text: cellText(row[columns.indexOf(text)] ?? ''),
    }));
    const add = (row: number, trial: Trial) => setTrials((known) => new Map(known).set(row, trial));
    try {
      await scoreRows(pairs, model, add, controller.signal);
    } catch (error) {
      if (controller.signal.aborted) return;
      throw error;
    }
    setRunning(false);
  }

  return { trials, isRunning, start: () => void run() };
}
