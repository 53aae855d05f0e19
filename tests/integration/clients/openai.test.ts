import OpenAI from 'openai';
import { expect, test } from 'vitest';
import { useService } from '../../support/running-service.ts';

/** The official client of OpenAI at the root of the service, as it is published. */
const running = useService();
const openAi = () => new OpenAI({ baseURL: `${running.service.url}/v1`, apiKey: 'none', maxRetries: 0 });
/** vLLM's API for scores has no client of its own. */
const score = (body: object) =>
  openAi().post<{ data: { index: number; object: string; score: number }[]; model: string }>('/score', { body });
const failureOf = (asked: PromiseLike<unknown>) =>
  asked.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );

test('models have the shape of OpenAI at the root, and more below the prefix', async () => {
  const models = [];
  for await (const model of openAi().models.list()) models.push(model);
  expect(models).toEqual([{ id: 'compact-1', object: 'model', created: 0, owned_by: expect.any(String) }]);
  expect((await openAi().models.retrieve('compact')).id).toBe('compact-1');
  const response = await fetch(`${running.service.url}/v1/models`);
  expect(Object.keys((await response.json()) as object)).toEqual(['object', 'data']);
  const { body } = await running.client.call<{ models: object[] }>('/v1/models');
  expect(body.models[0]).toMatchObject({ model: 'compact-1', state: 'loaded' });
});

test('2,048 inputs are embedded in one request, and one more is refused with the limit', async () => {
  const input = Array.from({ length: 2_048 }, (_, at) => `a cat with ${at % 8} toys`);
  const { data, usage } = await openAi().embeddings.create({ model: 'compact', input, dimensions: 384 });
  expect(data.length).toBe(2_048);
  expect(data[9]?.embedding).toEqual(data[1]?.embedding);
  expect(data[9]?.embedding).not.toEqual(data[2]?.embedding);
  expect(usage.total_tokens).toBeGreaterThan(2_048);
  const refused = await failureOf(openAi().embeddings.create({ model: 'compact', input: [...input, 'a dog'] }));
  expect(refused).toMatchObject({ status: 400, code: 'request.invalid', message: expect.stringMatching(/2048/) });
});

test.each<[what: string, path: string, body: object | undefined, status: number, code: string, param: string | null]>([
  ['an unknown path', '/chat/completions', {}, 404, 'route.not_found', null],
  ['a method that the path does not support', '/score', undefined, 405, 'route.method_not_allowed', null],
  ['tokens in place of texts', '/embeddings', { input: [[320, 2368]] }, 400, 'request.invalid', 'input'],
  ['an unknown model', '/score', { model: 'nobody', text_1: 'a', text_2: 'b' }, 400, 'model.unknown', null],
  ['one side of pairs', '/score', { queries: 'a cat' }, 400, 'request.invalid', 'queries'],
  ['sides that cannot be paired', '/score', { text_1: ['a', 'b'], text_2: 'c' }, 400, 'request.invalid', 'text_1'],
])('%s gets the error object of OpenAI', async (_what, path, body, status, code, param) => {
  const error = await failureOf(body === undefined ? openAi().get(path) : openAi().post(path, { body }));
  expect(error).toBeInstanceOf(OpenAI.APIError);
  expect(error).toMatchObject({ status, code, param, type: 'invalid_request_error', requestID: expect.any(String) });
});

test('scores of vLLM are the cosines of image and text, two texts, and two images', async () => {
  const [coffee, rocket] = ['coffee.jpg', 'rocket.jpg'].map((name) => running.host.url(name));
  const imageOf = (url = '') => ({ type: 'image_url', image_url: { url } });
  const single = await running.client.single({ image: coffee, text: 'a cup of coffee' });
  const mixed = await score({ text_1: 'a cup of coffee', text_2: { content: [imageOf(coffee), imageOf(rocket)] } });
  expect(mixed.data.map(({ index, object }) => [index, object])).toEqual([
    [0, 'score'],
    [1, 'score'],
  ]);
  expect(mixed.data[0]?.score).toBe(single.body.cosine);
  expect(mixed.data[1]?.score).toBeLessThan(single.body.cosine);
  const texts = await score({ queries: ['a cat', 'a cat'], documents: ['a cat', 'a rocket'] });
  expect(texts.data[0]?.score).toBeCloseTo(1, 5);
  expect(texts.data[1]?.score).toBeLessThan(0.95);
  const images = await score({
    data_1: { image: coffee },
    data_2: [{ image: coffee }, { content: [imageOf(rocket)] }],
  });
  expect(images.data[0]?.score).toBeCloseTo(1, 5);
  expect(images.data[1]?.score).toBeLessThan(0.95);
  expect(images.model).toBe('compact-1');
});
