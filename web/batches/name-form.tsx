import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import { fetchJson, type RequestFailed } from '../http/client.ts';
import { ProblemBox } from '../ui/problem.tsx';
import { WaitingNote } from '../ui/waiting.tsx';
import { maxNameLength, nameChange } from './name-change.ts';

/** A form for the name and the tags of a batch. It has the focus when it appears. */
export function NameForm({
  status,
  onSaved,
  onClose,
}: {
  status: BatchStatus;
  /** Called after a change, before `onClose`. */
  onSaved: () => void;
  onClose: () => void;
}) {
  const [name, setName] = useState(status.name ?? '');
  const [tags, setTags] = useState(status.tags.join(', '));
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<RequestFailed>();
  const first = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => first.current?.select(), []);

  async function save(): Promise<void> {
    const change = nameChange(status, { name, tags });
    if (change === undefined) return onClose();
    setFailure(undefined);
    setBusy(true);
    try {
      await fetchJson(`v1/evaluation/batch/${encodeURIComponent(status.id)}`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(change),
      });
      onSaved();
      onClose();
    } catch (error) {
      setFailure(error as RequestFailed);
      setBusy(false);
    }
  }

  return (
    <form
      class="name-form"
      aria-label="Name and tags"
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) void save();
      }}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || event.isComposing) return;
        event.preventDefault();
        onClose();
      }}
    >
      <div class="field">
        <label for="batch-name">Name</label>
        <input
          ref={first}
          id="batch-name"
          dir="auto"
          maxLength={maxNameLength}
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </div>
      <div class="field">
        <label for="batch-tags">Tags, separated by commas</label>
        <input id="batch-tags" dir="auto" value={tags} onInput={(event) => setTags(event.currentTarget.value)} />
      </div>
      <div class="actions">
        <button type="submit" class="primary" aria-disabled={busy}>
          {busy ? 'Saving…' : 'Save'}
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </div>
      {busy && <WaitingNote what="the change" />}
      {failure !== undefined && <ProblemBox failure={failure} />}
    </form>
  );
}
