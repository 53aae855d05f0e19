import { useRef, useState } from 'preact/hooks';
import type { ArmReport, CanaryAction } from '../../../shared/contracts/traffic.ts';
import { fetchJson, type RequestFailed } from '../../http/client.ts';
import { ProblemBox } from '../../ui/problem.tsx';
import type { Canary } from './canary.ts';
import { actionsIn, shareOf } from './words.ts';

const labels: Record<CanaryAction, string> = { promote: 'Promote', rollback: 'Roll back', restart: 'Restart trial' };
const questions: Record<CanaryAction, (model: string) => string> = {
  promote: (model) => `Promote ${model}?`,
  rollback: (model) => `Roll ${model} back?`,
  restart: (model) => `Restart the trial of ${model}?`,
};

/** A button for each decision that an operator may make about a canary (a model on trial). */
export function CanaryActions({
  profile,
  arms,
  canary,
  onChanged,
}: {
  profile: string;
  arms: ArmReport[];
  canary: Canary;
  onChanged: () => void;
}) {
  const [chosen, setChosen] = useState<CanaryAction>('promote');
  const [isBusy, setIsBusy] = useState(false);
  const [failure, setFailure] = useState<RequestFailed>();
  const dialog = useRef<HTMLDialogElement>(null);
  const title = `decide-${profile}`;

  async function decide(action: CanaryAction): Promise<void> {
    setFailure(undefined);
    setIsBusy(true);
    try {
      await fetchJson(`v1/traffic/${encodeURIComponent(profile)}/${action}`, { method: 'POST' });
      onChanged();
    } catch (error) {
      setFailure(error as RequestFailed);
    }
    setIsBusy(false);
  }

  const main = arms.find(({ role }) => role === 'main')?.model ?? 'the main model';
  const share = shareOf(arms.find(({ role }) => role === 'canary')?.share ?? 0);
  const meanings: Record<CanaryAction, string> = {
    promote: `${canary.model} replaces ${main} and gets its share of the images.`,
    rollback: `${canary.model} gets no more images; ${main} gets its share.`,
    restart: `${canary.model} gets ${share} of the images again, and a new measurement window starts.`,
  };
  return (
    <>
      <div class="actions">
        {actionsIn[canary.phase].map((action) => (
          <button
            key={action}
            type="button"
            disabled={isBusy}
            onClick={() => {
              setChosen(action);
              dialog.current?.showModal();
            }}
          >
            {labels[action]}
          </button>
        ))}
        <dialog ref={dialog} aria-labelledby={title}>
          <h2 id={title}>{questions[chosen](canary.model)}</h2>
          <p>{meanings[chosen]} Batches that have been posted keep their models.</p>
          <form method="dialog" class="actions">
            <button type="submit" class="primary" onClick={() => void decide(chosen)}>
              {labels[chosen]}
            </button>
            <button type="submit">Cancel</button>
          </form>
        </dialog>
      </div>
      {failure !== undefined && <ProblemBox failure={failure} />}
    </>
  );
}
