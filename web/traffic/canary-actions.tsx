import { useRef, useState } from 'preact/hooks';
import type { ArmReport, CanaryAction } from '../../shared/contracts/traffic.ts';
import { fetchJson, type RequestFailed } from '../http/client.ts';
import { ProblemBox } from '../ui/problem.tsx';
import type { Canary } from './canary.ts';
import { actionsIn, shareOf } from './words.ts';

const labels: Record<CanaryAction, string> = { promote: 'Promote', rollback: 'Roll back', restart: 'Try again' };
const questions: Record<CanaryAction, (model: string) => string> = {
  promote: (model) => `Promote ${model}?`,
  rollback: (model) => `Roll ${model} back?`,
  restart: (model) => `Try ${model} again?`,
};

/** What an operator may decide about a canary. */
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
  const [asked, setAsked] = useState<CanaryAction>('promote');
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
    promote: `${canary.model} takes the place of ${main}, and of its share of the images.`,
    rollback: `${canary.model} answers for no more images; ${main} does.`,
    restart: `${canary.model} answers for ${share} of the images again, and a new window begins.`,
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
              setAsked(action);
              dialog.current?.showModal();
            }}
          >
            {labels[action]}
          </button>
        ))}
        <dialog ref={dialog} aria-labelledby={title}>
          <h2 id={title}>{questions[asked](canary.model)}</h2>
          <p>{meanings[asked]} Batches that are posted already keep the models they were posted with.</p>
          <form method="dialog" class="actions">
            <button type="submit" class="primary" onClick={() => void decide(asked)}>
              {labels[asked]}
            </button>
            <button type="submit">Leave it</button>
          </form>
        </dialog>
      </div>
      {failure !== undefined && <ProblemBox failure={failure} />}
    </>
  );
}
