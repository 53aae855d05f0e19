import type { SingleResponse } from '../../shared/contracts/single.ts';
import { shellQuoted } from '../../shared/shell-word.ts';
import { apiUrl, fetchJson } from '../http/client.ts';
import type { ScoreRequest } from './request.ts';

export type ScoreResult = Extract<SingleResponse, { results: unknown }>;

const path = 'v1/evaluation/single';

/** Scores an image with one or more texts. Returns a list even for one text, for which the API returns none. */
export async function scoreTexts(request: ScoreRequest, signal: AbortSignal): Promise<ScoreResult> {
  const answer = await fetchJson<SingleResponse>(path, { method: 'POST', signal, ...requestOf(request) });
  if ('results' in answer) return answer;
  const { receipt, timings, ...scores } = answer;
  return { results: [{ text: request.texts[0] ?? '', ...scores }], receipt, timings };
}

function requestOf({ image, texts, model }: ScoreRequest): RequestInit {
  if ('url' in image) {
    return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(jsonOf(image.url, texts, model)) };
  }
  const body = new FormData();
  body.append('image', image.file);
  for (const text of texts) body.append('text', text);
  if (model !== '') body.append('model', model);
  return { body };
}

const jsonOf = (url: string, texts: string[], model: string) => ({
  image: url,
  text: texts.length === 1 ? texts[0] : texts,
  ...(model !== '' && { model }),
});

/**
 * Returns the request as a curl command. A text may begin with `@` or `<`, which only `--form-string` takes literally.
 */
export function curlOf({ image, texts, model }: ScoreRequest): string {
  const parts =
    'url' in image
      ? ["-H 'Content-Type: application/json'", `-d ${shellQuoted(JSON.stringify(jsonOf(image.url, texts, model)))}`]
      : [
          `-F ${shellQuoted(`image=@"${image.file.name}"`)}`,
          ...texts.map((text) => `--form-string ${shellQuoted(`text=${text}`)}`),
          ...(model === '' ? [] : [`-F ${shellQuoted(`model=${model}`)}`]),
        ];
  return ['curl', ...parts, apiUrl(path)].join(' \\\n  ');
}
