import type { SingleResponse } from '../../../shared/contracts/single.ts';
import { fetchJson, RequestFailed } from '../../http/client.ts';
import type { Cell } from './cell.ts';

/** The result of scoring one row before the batch is posted. */
export type Trial = { score: number } | { failure: string };

/**
 * Scores rows one after another, and reports each result. The service stores nothing.
 * @param model empty for the default model.
 */
export async function scoreRows(
  rows: readonly { image: Cell; text: string }[],
  model: string,
  onResult: (row: number, trial: Trial) => void,
  signal: AbortSignal,
): Promise<void> {
  for (const [at, row] of rows.entries()) {
    const trial = await scoreRow(row, model, signal).catch((error: unknown) => {
      if (!(error instanceof RequestFailed)) throw error;
      return { failure: error.message };
    });
    onResult(at, trial);
  }
}

async function scoreRow(
  { image, text }: { image: Cell; text: string },
  model: string,
  signal: AbortSignal,
): Promise<Trial> {
  const sent = typeof image === 'string' ? asJson(imageOf(image), text, model) : asForm(image, text, model);
  const answer = await fetchJson<SingleResponse>('v1/evaluation/single', { method: 'POST', signal, ...sent });
  return { score: 'results' in answer ? (answer.results[0]?.score ?? 0) : answer.score };
}

/** In NDJSON, the image may be an object such as `{"url": …}`. */
function imageOf(image: string): unknown {
  if (!image.startsWith('{')) return image;
  try {
    return JSON.parse(image);
  } catch {
    return image;
  }
}

const asJson = (image: unknown, text: string, model: string): RequestInit => ({
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ image, text, ...(model !== '' && { model }) }),
});

function asForm(image: Blob, text: string, model: string): RequestInit {
  const body = new FormData();
  body.append('image', image, 'image');
  body.append('text', text);
  if (model !== '') body.append('model', model);
  return { body };
}
