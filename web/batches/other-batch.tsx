import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import { fetchJson } from '../http/client.ts';
import { usePolled } from '../http/use-polled.ts';
import { addressOf } from '../shell/route.ts';
import { linkWords } from './state.ts';

/** A link to another batch with its name, or with its id if it has none or is deleted. */
export function OtherBatch({ id }: { id: string }) {
  const path = `v1/evaluation/batch/${encodeURIComponent(id)}`;
  const { value } = usePolled(path, (signal) => fetchJson<BatchStatus>(path, { signal }));
  return (
    <a href={addressOf.batch(id)}>
      <bdi>{linkWords(id, value?.id === id ? value : undefined)}</bdi>
    </a>
  );
}
