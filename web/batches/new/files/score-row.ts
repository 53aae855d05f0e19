import type { SingleResponse } from '../../../../shared/contracts/single.ts';
import { fetchJson } from '../../../http/client.ts';
import type { Cell } from './cell.ts';
import type { Scored } from './trial.ts';

/**
 * Scores a row. The service stores nothing.
 * @param model empty for the default model.
 */
export async function scoreRow(
  { image, text }: { image: Cell; text: string },
  model: string,
  signal: AbortSignal,
): Promise<Scored> {
  const sent = typeof image === 'string' ? asJson(imageOf(image), text, model) : asForm(image, text, model);
  const answer = await fetchJson<SingleResponse>('v1/evaluation/single', { method: 'POST', signal, ...sent });
  const { score } = 'results' in answer ? (answer.results[0] ?? { score: 0 }) : answer;
  return { score, warnings: answer.receipt.warnings };
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
