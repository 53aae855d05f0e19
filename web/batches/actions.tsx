import { useRef, useState } from 'preact/hooks';
import type { BatchStatus } from '../../shared/contracts/batch.ts';
import { type FormatName, formatNamed } from '../../shared/formats.ts';
import { fetchJson, type RequestFailed } from '../http/client.ts';
import { addressOf } from '../shell/route.ts';
import * as numbers from '../ui/numbers.ts';
import { nameOfBatch, rememberName } from './batch-names.ts';
import { downloadResults, type Formulas } from './downloads.ts';

/** The actions that a batch allows in its current state. */
export function BatchActions({
  status,
  formulas,
  formulaCells,
  onFormulas,
  onChanged,
  onFailure,
}: {
  status: BatchStatus;
  /** How formulas are written in the CSV download. */
  formulas: Formulas;
  /** Cells that begin like a formula; undefined until it is known. */
  formulaCells: number | undefined;
  onFormulas: (formulas: Formulas) => void;
  onChanged: () => void;
  onFailure: (failure: RequestFailed | undefined) => void;
}) {
  const [busy, setBusy] = useState<string>();
  const dialog = useRef<HTMLDialogElement>(null);
  const path = `v1/evaluation/batch/${status.id}`;
  const isLive = status.finishedAt === null;

  async function run(name: string, action: () => Promise<unknown>): Promise<void> {
    onFailure(undefined);
    setBusy(name);
    try {
      await action();
    } catch (error) {
      onFailure(error as RequestFailed);
    }
    setBusy(undefined);
  }

  const download = (format: FormatName) =>
    run(format, () => downloadResults(status.id, format, formatNamed(format).hasColumns ? { formulas } : {}));
  const cancel = () =>
    run('cancel', async () => {
      await fetchJson(`${path}/cancel`, { method: 'POST' });
      onChanged();
    });
  const retry = () =>
    run('retry', async () => {
      const child = await fetchJson<BatchStatus>(`${path}/retry`, { method: 'POST' });
      const name = nameOfBatch(status.id);
      if (name !== undefined) rememberName(child.id, `${name}, retried`);
      location.hash = addressOf.batch(child.id);
    });
  const remove = () =>
    run('delete', async () => {
      await fetchJson(path, { method: 'DELETE' });
      location.hash = addressOf.batches;
    });

  return (
    <div class="actions">
      {isLive ? (
        <button type="button" disabled={busy !== undefined} onClick={() => void cancel()}>
          {busy === 'cancel' ? 'Cancelling…' : 'Cancel'}
        </button>
      ) : (
        status.items.failed > 0 && (
          <button type="button" class="primary" disabled={busy !== undefined} onClick={() => void retry()}>
            {busy === 'retry' ? 'Posting…' : `Retry ${numbers.count(status.items.failed)} failed`}
          </button>
        )
      )}
      <button type="button" disabled={busy !== undefined} onClick={() => void download('csv')}>
        {busy === 'csv' ? 'Downloading…' : 'Results as CSV'}
      </button>
      <button type="button" disabled={busy !== undefined} onClick={() => void download('ndjson')}>
        {busy === 'ndjson' ? 'Downloading…' : 'Results as NDJSON'}
      </button>
      <label class="check fine soft">
        <input
          type="checkbox"
          checked={formulas === 'escape'}
          onChange={(event) => onFormulas(event.currentTarget.checked ? 'escape' : 'keep')}
        />
        {formulasLabel(formulaCells)}
      </label>
      <button
        type="button"
        class="quiet danger"
        disabled={busy !== undefined}
        onClick={() => dialog.current?.showModal()}
      >
        Delete
      </button>
      <dialog ref={dialog} aria-labelledby="delete-title">
        <h2 id="delete-title">Delete this batch?</h2>
        <p>{isLive && 'The batch is stopped first. '}Its items and results are deleted permanently.</p>
        <form method="dialog" class="actions">
          <button type="submit" class="primary" onClick={() => void remove()}>
            Delete
          </button>
          <button type="submit">Keep</button>
        </form>
      </dialog>
    </div>
  );
}

function formulasLabel(cells: number | undefined): string {
  const words = 'CSV for spreadsheets: escape formulas with an apostrophe';
  if (cells === undefined || cells === 0) return words;
  return `${words} (${numbers.count(cells)} ${cells === 1 ? 'cell' : 'cells'})`;
}
