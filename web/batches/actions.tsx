import { useState } from 'preact/hooks';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import { fetchJson, type RequestFailed } from '../http/client.ts';
import { addressOf } from '../shell/route.ts';
import { DeleteButton } from '../ui/delete-button.tsx';
import { WaitingNote } from '../ui/waiting.tsx';
import { lastingFailuresOf, restOfRetryWords, retriedWords, retriesOf, retryWords, titleOf } from './state.ts';
import { useFailedItems } from './use-failed-items.ts';
import { useRetry } from './use-retry.ts';

/** The result of an action, by its name. The other actions create a batch. */
const awaited: Record<string, string> = { cancel: 'the cancellation', delete: 'the deletion' };

export function BatchActions({
  status,
  onChanged,
  onDeletion,
  onDeletionFailed,
  onFailure,
}: {
  status: BatchStatus;
  onChanged: () => void;
  /** Called before the deletion. The view must stop reading the batch, because reading a deleted batch fails. */
  onDeletion: () => void;
  onDeletionFailed: () => void;
  onFailure: (failure: RequestFailed | undefined) => void;
}) {
  const [busy, setBusy] = useState<string>();
  const path = `v1/evaluation/batch/${status.id}`;
  const isLive = status.finishedAt === null;
  const retried = useRetry(status);
  const failedItems = useFailedItems(status);
  const retries = isLive ? [] : retriesOf(status, retried);
  const lasting = isLive || failedItems === undefined ? undefined : lastingFailuresOf(status, retried, failedItems);

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

  const cancel = () =>
    run('cancel', async () => {
      await fetchJson(`${path}/cancel`, { method: 'POST' });
      onChanged();
    });
  const retry = (name: string, query: string) =>
    run(name, async () => {
      const child = await fetchJson<BatchStatus>(`${path}/retry${query}`, { method: 'POST' });
      location.hash = addressOf.batch(child.id);
    });
  const remove = () =>
    run('delete', async () => {
      onDeletion();
      try {
        await fetchJson(path, { method: 'DELETE' });
      } catch (error) {
        onDeletionFailed();
        throw error;
      }
      location.hash = addressOf.batches;
    });

  const outcome = retried !== null && retried !== undefined && (
    <p class="fine soft lasting">
      {retriedWords(retried)}{' '}
      <a href={addressOf.batch(retried.id)}>
        <bdi>{titleOf(retried)}</bdi>
      </a>
      : {retryWords(retried, status)}.{restOfRetryWords(retried, status)}
    </p>
  );
  const note = lasting !== undefined && (
    <div class="fine soft lasting">
      <p>{lasting.words}</p>
      <ul>
        {lasting.steps.map(({ items, step }) => (
          <li key={items}>
            {items}: {step}
          </li>
        ))}
      </ul>
      {lasting.retryAll !== undefined && (
        <p>
          {lasting.retryAll.before}
          <button type="button" class="link" disabled={busy !== undefined} onClick={() => void retry('lasting', '')}>
            {busy === 'lasting' ? 'Posting…' : lasting.retryAll.label}
          </button>
          {lasting.retryAll.after}
        </p>
      )}
    </div>
  );
  return (
    <div class="actions">
      {outcome}
      {retries.length === 0 && note}
      {isLive ? (
        <button type="button" disabled={busy !== undefined} onClick={() => void cancel()}>
          {busy === 'cancel' ? 'Cancelling…' : 'Cancel'}
        </button>
      ) : (
        retries.map(({ words, query, isFirst }) => (
          <button
            key={query}
            type="button"
            class={isFirst && retried === null ? 'primary' : undefined}
            disabled={busy !== undefined}
            onClick={() => void retry(words, query)}
          >
            {busy === words ? 'Posting…' : words}
          </button>
        ))
      )}
      <DeleteButton
        name={busy === 'delete' ? 'Deleting…' : 'Delete'}
        question="Delete this batch?"
        disabled={busy !== undefined}
        onDelete={() => void remove()}
      >
        {isLive && 'The batch is stopped first. '}Its items and results are deleted permanently.
      </DeleteButton>
      {busy !== undefined && <WaitingNote what={awaited[busy] ?? 'the new batch'} />}
      {retries.length > 0 && note}
    </div>
  );
}
