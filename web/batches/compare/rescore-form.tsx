import { useState } from 'preact/hooks';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { ModelInfo } from '../../../shared/contracts/models.ts';
import type { RequestFailed } from '../../http/client.ts';
import { addressOf } from '../../shell/route.ts';
import { ModelSelect } from '../../ui/model-select.tsx';
import * as numbers from '../../ui/numbers.ts';
import { ProblemBox } from '../../ui/problem.tsx';
import { titleOf } from '../state.ts';
import { usableOf } from './other-models.ts';
import { rescore } from './rescore.ts';

/** A form that posts the items of the batch as a new batch with another model. The same model would only copy the scores. */
export function RescoreForm({
  status,
  models,
  onStarted,
  reload,
}: {
  status: BatchStatus;
  /** The other models; undefined until they are read. */
  models: ModelInfo[] | undefined;
  onStarted: (child: BatchStatus) => void;
  /** Reloads the list of batches. */
  reload: () => void;
}) {
  const [chosen, setChosen] = useState<string>();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<RequestFailed>();
  if (status.finishedAt === null || status.requests !== null || models === undefined) return null;
  const model = chosen ?? usableOf(models);
  if (model === undefined) {
    return (
      <p class="fine soft">
        No other model is available. <a href={addressOf.system('models')}>Models</a> shows how to install one.
      </p>
    );
  }

  async function start(name: string): Promise<void> {
    setBusy(true);
    setFailure(undefined);
    try {
      onStarted(await rescore(status, { model: name, name: `${titleOf(status)}, ${name}` }));
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
        void start(model);
      }}
    >
      <ModelSelect models={models} value={model} hasDefault={false} onChange={setChosen} />
      <button type="submit" disabled={busy}>
        {busy ? 'Posting…' : buttonWords(status.items.total)}
      </button>
      {failure !== undefined && <ProblemBox failure={failure} />}
    </form>
  );
}

const buttonWords = (items: number): string =>
  items === 1 ? 'Score this item with this model' : `Score these ${numbers.count(items)} items with this model`;
