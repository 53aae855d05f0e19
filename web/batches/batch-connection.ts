import { apiUrl, fetchJson } from '../http/client.ts';
import type { BatchConnection } from './follow.ts';

export const batchConnection: BatchConnection = {
  read: (path, signal) => fetchJson(path, { signal }),
  open: (path) => new EventSource(apiUrl(path)),
};
