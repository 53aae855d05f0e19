import type { SingleResponse } from '../../shared/contracts/single.ts';
import { apiUrl, fetchJson } from '../http/client.ts';

/** An image as it was picked: bytes to upload, or an address that the service loads. */
export type PickedImage = { file: File } | { url: string };

export interface ScoreRequest {
  image: PickedImage;
  texts: string[];
  /** Empty: the default. */
  model: string;
}

export type ScoreResult = Extract<SingleResponse, { results: unknown }>;

const path = 'v1/evaluation/single';

/** One text is answered with its score alone, several with a list; here it is always a list. */
export async function scoreTexts(request: ScoreRequest, signal: AbortSignal): Promise<ScoreResult> {
  const answer = await fetchJson<SingleResponse>(path, { method: 'POST', signal, ...requestOf(request) });
  if ('results' in answer) return answer;
  const { score, cosine, ...rest } = answer;
  return { results: [{ text: request.texts[0] ?? '', score, cosine }], ...rest };
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

/** The same request for a shell. `--form-string` because a text may begin with `@` or `<`. */
export function curlOf({ image, texts, model }: ScoreRequest): string {
  const parts =
    'url' in image
      ? ["-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(jsonOf(image.url, texts, model)))}`]
      : [
          `-F ${quoted(`image=@"${image.file.name}"`)}`,
          ...texts.map((text) => `--form-string ${quoted(`text=${text}`)}`),
          ...(model === '' ? [] : [`-F ${quoted(`model=${model}`)}`]),
        ];
  return ['curl', ...parts, apiUrl(path)].join(' \\\n  ');
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** Softmax over `logitScale * cosine`: what each text gets of the whole, if one of them is right. */
export function sharesOf(cosines: number[], logitScale: number): number[] {
  const highest = Math.max(...cosines);
  const powers = cosines.map((cosine) => Math.exp(logitScale * (cosine - highest)));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
