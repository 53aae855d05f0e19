import { expect, test } from 'vitest';
import type { EmbeddingsResponse } from '../../../shared/contracts/embeddings.ts';
import type { ModelInfo } from '../../../shared/contracts/models.ts';
import type { RankResponse } from '../../../shared/contracts/rank.ts';
import { captions, photoNames } from '../../../testing/images/host.ts';
import { useService } from '../../support/running-service.ts';

const running = useService();

const texts = Object.values(captions);
const rank = (body: object) => running.client.post<RankResponse>('/v1/evaluation/rank', body);
const embeddings = (body: object) => running.client.post<EmbeddingsResponse>('/v1/embeddings', body);

test('texts are ranked for an image, with probabilities by the model’s logit scale', async () => {
  const { status, body } = await rank({ image: running.host.url('rocket.jpg'), texts });
  expect(status).toBe(200);
  expect(body.results[0]).toMatchObject({
    text: captions['rocket.jpg'],
    index: texts.indexOf(captions['rocket.jpg'] ?? ''),
  });
  const cosines = body.results.map(({ cosine }) => cosine);
  expect(cosines).toEqual(cosines.toSorted((a, b) => b - a));
  expect(body.logitScale).toBe(20);
  const sum = cosines.reduce((total, cosine) => total + Math.exp(20 * cosine), 0);
  for (const { cosine, probability } of body.results) expect(probability).toBeCloseTo(Math.exp(20 * cosine) / sum, 4);
});

test('images are ranked for a text, and a failed one is listed separately', async () => {
  const images = [...photoNames.map((name) => running.host.url(name)), running.host.url('missing.jpg')];
  const { body } = await rank({ images, text: captions['coffee.jpg'] });
  expect(body.results).toHaveLength(6);
  expect(body.results[0]?.index).toBe(photoNames.indexOf('coffee.jpg'));
  expect(body.results.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 4);
  expect(body.failures).toMatchObject([{ index: 6, error: { code: 'image.fetch.http_status' } }]);
});

test('a ranking without one good image, without a text, or of both kinds is refused', async () => {
  const problem = async (body: object) =>
    (await running.client.post<{ code: string }>('/v1/evaluation/rank', body)).body.code;
  expect(await problem({ images: [running.host.url('missing.jpg')], text: 'x' })).toBe('image.fetch.http_status');
  expect(await problem({ image: running.host.url('coffee.jpg'), texts: ['a', ' '] })).toBe('text.empty');
  expect(await problem({ image: running.host.url('coffee.jpg'), images: [], text: 'x' })).toBe('request.invalid');
});

test('embeddings have unit length, and their dot product is the cosine that single gives', async () => {
  const text = 'a cup of coffee';
  const { status, body } = await embeddings({ input: [text, { image: running.host.url('coffee.jpg') }, { text }] });
  expect(status).toBe(200);
  expect(body).toMatchObject({ object: 'list', model: 'compact-1' });
  expect(body.usage.prompt_tokens).toBeGreaterThan(4);
  const [sentence, image, again] = body.data.map(({ embedding }) => embedding as number[]);
  const dot = (a: number[] = [], b: number[] = []) => a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
  expect(sentence).toHaveLength(384);
  expect(dot(sentence, sentence)).toBeCloseTo(1, 5);
  expect(again).toEqual(sentence);
  const single = await running.client.single({ image: running.host.url('coffee.jpg'), text });
  expect(dot(sentence, image)).toBeCloseTo(single.body.cosine, 5);
});

test('embeddings as base64 are the same numbers, little-endian', async () => {
  const asFloats = await embeddings({ input: 'a cat' });
  const asBase64 = await embeddings({ input: 'a cat', encoding_format: 'base64' });
  const bytes = Buffer.from(String(asBase64.body.data[0]?.embedding), 'base64');
  const numbers = Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(4 * at));
  expect(numbers).toEqual(asFloats.body.data[0]?.embedding);
});

test('the models are listed with what leads to them and why one is not here', async () => {
  const { body } = await running.client.call<{ models: ModelInfo[] }>('/v1/models');
  const byName = Object.fromEntries(body.models.map((model) => [model.model, model]));
  expect(byName['compact-1']).toMatchObject({
    profiles: ['compact'],
    default: true,
    state: 'loaded',
    dimensions: 384,
    logitScale: 20,
  });
  expect(byName['vit-b-32']).toMatchObject({
    profiles: ['fast'],
    default: false,
    state: 'absent',
    detail: expect.stringContaining('vit-b-32'),
  });
});
