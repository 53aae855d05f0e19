import { useState } from 'preact/hooks';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { RequestFailed } from '../../http/client.ts';
import { ModelSelect, useModels } from '../../ui/model-select.tsx';
import * as numbers from '../../ui/numbers.ts';
import { ProblemBox } from '../../ui/problem.tsx';
import { titleOf } from '../state.ts';
import { rescore } from './rescore.ts';

/** A form that posts the items of the batch as a new batch with another model. */
export function RescoreForm({
  status,
  onStarted,
  reload,
}: {
  status: BatchStatus;
  onStarted: (child: BatchStatus) => void;
  /** Reloads the list of batches. */
  reload: () => void;
}) {
  const { value: models } = useModels();
  const [model, setModel] = useState('');
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<RequestFailed>();
  if (status.finishedAt === null || status.requests !== null) return null;

  async function start(): Promise<void> {
    setBusy(true);
    setFailure(undefined);
    try {
      onStarted(
        await rescore(status, { ...(model !== '' && { model }), name: `${titleOf(status)}, ${model || 'default'}` }),
      );
      reload();
    } catch (error) {
      setFailure(error as RequestFailed);
    }
    setBusy(false);
  }

  return (
    <form
      class="rescore-form"
      onSubmit={(event) => {
        event.preventDefault();
        void start();
      }}
    >
      <ModelSelect models={models} value={model} onChange={setModel} />
      <button type="submit" disabled={busy}>
        {busy ? 'Posting…' : `Score these ${numbers.count(status.items.total)} items with this model`}
      </button>
      {failure !== undefined && <ProblemBox failure={failure} />}
    </form>
  );
}
