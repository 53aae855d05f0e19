/**
 * The service from TypeScript, every call typed by the OpenAPI document (`api.ts` is made from it).
 *
 *     npx node examples/typescript/client.ts                          # the photos, as a batch
 *     npx node examples/typescript/client.ts photo.jpg "a cat" "a dog"
 *
 * VLS_URL and VLS_API_KEY say where the service is, and the key it wants.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import createClient from 'openapi-fetch';
import type { BatchItem, ImageSource, Problem, paths } from './api.ts';

const { VLS_URL = 'http://127.0.0.1:8000', VLS_API_KEY } = process.env;
const service = createClient<paths>({
  baseUrl: VLS_URL,
  headers: VLS_API_KEY === undefined ? {} : { Authorization: `Bearer ${VLS_API_KEY}` },
});
const photos = new URL('../photos/', import.meta.url);

/** The answer, or the problem document as an exception. */
function answered<T>({ data, error }: { data?: T; error?: Problem | undefined }): T {
  if (error !== undefined) throw new Error(`${error.code}: ${error.detail}`);
  if (data === undefined) throw new Error('The service has answered without a body');
  return data;
}

const fileSource = async (path: string | URL): Promise<ImageSource> => ({
  base64: (await readFile(path)).toString('base64'),
});

async function score(image: ImageSource, texts: string[]): Promise<void> {
  const answer = answered(await service.POST('/evaluator/v1/evaluation/single', { body: { image, text: texts } }));
  if (!('results' in answer)) return;
  for (const { text, score } of answer.results) console.log(`${score.toFixed(2).padStart(6)}  ${text}`);
}

async function scoreBatch(items: BatchItem[]): Promise<void> {
  const { id } = answered(await service.POST('/evaluator/v1/evaluation/batch', { body: { items } }));
  const path = { id };
  while (answered(await service.GET('/evaluator/v1/evaluation/batch/{id}', { params: { path } })).finishedAt === null) {
    await setTimeout(500);
  }
  let cursor: string | null | undefined;
  do {
    const query = cursor ? { cursor } : {};
    const page = answered(
      await service.GET('/evaluator/v1/evaluation/batch/{id}/results', { params: { path, query } }),
    );
    if (typeof page === 'string') return;
    for (const result of page.results) {
      const what = result.status === 'succeeded' ? result.score.toFixed(2) : result.status;
      console.log(`${what.padStart(6)}  ${result.id}`);
    }
    cursor = page.next;
  } while (cursor);
}

const [image, ...texts] = process.argv.slice(2);
if (image === undefined) {
  const captions = JSON.parse(await readFile(new URL('captions.json', photos), 'utf8')) as Record<string, string>;
  const items = Object.entries(captions).map(async ([name, text]) => ({
    id: name,
    image: await fileSource(new URL(name, photos)),
    text,
  }));
  await scoreBatch(await Promise.all(items));
} else {
  await score(/^https?:/.test(image) ? image : await fileSource(image), texts);
}
