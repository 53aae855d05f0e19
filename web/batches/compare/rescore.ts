import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import { fetchJson } from '../../http/client.ts';

const maxName = 200;

export interface RescoreRequest {
  model?: string;
  texts?: 'others';
  sample?: number;
  name: string;
}

export async function rescore(
  { id }: Pick<BatchStatus, 'id'>,
  { name, ...asked }: RescoreRequest,
): Promise<BatchStatus> {
  const query = new URLSearchParams({ name: name.slice(0, maxName) });
  for (const [key, value] of Object.entries(asked)) query.set(key, String(value));
  return await fetchJson<BatchStatus>(`v1/evaluation/batch/${encodeURIComponent(id)}/rescore?${query}`, {
    method: 'POST',
  });
}
