import { beforeEach, describe, expect, test } from 'vitest';
import { createEmbeddingCache } from '../../../evaluation/embedding-cache.ts';
import type { Embedded } from '../../../models/encoder/protocol.ts';
import type { ModelSpec } from '../../../models/model.ts';
import type { Encoders } from '../../../models/pool/encoders.ts';
import { specOf, tinyClipFolder } from '../../../testing/model-folders.ts';
import { embeddingOf, readyPool } from '../../support/fake-encoders.ts';

const spec = await specOf(tinyClipFolder, { model: 'tiny' });
const cacheBytes = 1_000_000;
const single = { interactive: true };
const batch = { interactive: false };

interface Computation {
  spec: ModelSpec;
  input: string;
  interactive: boolean;
  signal: AbortSignal | undefined;
  succeed(embedded?: Embedded): void;
  fail(error: Error): void;
}

let computations: Computation[];
let encoders: Pick<Encoders, 'for'>;
beforeEach(() => {
  computations = [];
  encoders = {
    for: (asked) => ({
      embed: (input, { interactive, signal }) =>
        new Promise((resolve, reject) => {
          computations.push({
            spec: asked,
            input: 'text' in input ? input.text : `bytes ${input.image.join()}`,
            interactive,
            signal,
            succeed: (embedded = embeddingOf(computations.length)) => resolve(embedded),
            fail: reject,
          });
        }),
      whenReady: () => Promise.resolve(),
      state: () => readyPool,
      refresh: () => {},
      pids: () => [],
      close: () => {},
    }),
  };
});

/** Ends every computation that runs. */
const finish = () => {
  for (const { succeed } of computations) succeed();
};

describe('the cache', () => {
  test('returns the same embedding again without computing it, with times of 0', async () => {
    const embeddings = createEmbeddingCache(encoders, cacheBytes);
    const first = embeddings.text(spec, 'a cat', batch);
    computations[0]?.succeed({ ...embeddingOf(0.6, 0.8), tokens: 77, totalTokens: 90 });
    expect(await first).toMatchObject({ decodeMs: 1, inferenceMs: 2 });
    expect(await embeddings.text(spec, 'a cat', batch)).toEqual({
      embedding: Float32Array.of(0.6, 0.8),
      decodeMs: 0,
      inferenceMs: 0,
      runInputs: 1,
      tokens: 77,
      totalTokens: 90,
    });
    expect(computations).toHaveLength(1);
  });

  test('identifies an image by its bytes, not by its array', async () => {
    const embeddings = createEmbeddingCache(encoders, cacheBytes);
    const first = embeddings.image(spec, Uint8Array.of(1, 2, 3), batch);
    finish();
    await first;
    await embeddings.image(spec, Uint8Array.of(0, 1, 2, 3).subarray(1), batch);
    expect(computations).toHaveLength(1);
  });

  test('serves interactive and batch work alike', async () => {
    const embeddings = createEmbeddingCache(encoders, cacheBytes);
    const first = embeddings.text(spec, 'a cat', batch);
    finish();
    await first;
    await embeddings.text(spec, 'a cat', single);
    expect(computations).toHaveLength(1);
  });

  test('distinguishes models, revisions and precisions, texts and images, and texts by every character', async () => {
    const embeddings = createEmbeddingCache(encoders, cacheBytes);
    const ask = () => [
      embeddings.text(spec, 'a cat', batch),
      embeddings.text({ ...spec, model: 'other' }, 'a cat', batch),
      embeddings.text({ ...spec, revision: '2' }, 'a cat', batch),
      embeddings.text({ ...spec, precision: 'int8' }, 'a cat', batch),
      embeddings.text(spec, 'A cat', batch),
      embeddings.text(spec, 'a cat ', batch),
      embeddings.image(spec, Buffer.from('a cat'), batch),
      embeddings.image(spec, Buffer.from('a dog'), batch),
    ];
    const first = ask();
    expect(computations).toHaveLength(8);
    finish();
    await Promise.all(first);
    await Promise.all(ask());
    expect(computations).toHaveLength(8);
  });

  test('does not store failures', async () => {
    const embeddings = createEmbeddingCache(encoders, cacheBytes);
    const first = embeddings.text(spec, 'a cat', batch);
    computations[0]?.fail(new Error('out of memory'));
    await expect(first).rejects.toThrow('out of memory');
    const second = embeddings.text(spec, 'a cat', batch);
    computations[1]?.succeed(embeddingOf(7));
    expect((await second).embedding).toEqual(Float32Array.of(7));
  });

  test('drops the least recently used embedding when its bytes are full', async () => {
    // It holds three embeddings of 1,000 bytes with their overhead, not four.
    const embeddings = createEmbeddingCache(encoders, 5_000);
    const large = embeddingOf(...new Array<number>(250).fill(1));
    const ask = async (text: string) => {
      const embedded = embeddings.text(spec, text, batch);
      computations.at(-1)?.succeed(large);
      await embedded;
    };
    for (const text of ['a', 'b', 'c']) await ask(text);
    await ask('a');
    expect(computations).toHaveLength(3);
    await ask('d');
    await ask('a');
    expect(computations).toHaveLength(4);
    await ask('b');
    expect(computations.map(({ input }) => input)).toEqual(['a', 'b', 'c', 'd', 'b']);
  });

  test('counts the bytes of the text', async () => {
    const embeddings = createEmbeddingCache(encoders, 5_000);
    const text = 'x'.repeat(3_000);
    for (let time = 0; time < 2; time++) {
      const embedded = embeddings.text(spec, text, batch);
      finish();
      await embedded;
    }
    // 3,000 characters of 2 bytes do not fit.
    expect(computations).toHaveLength(2);
  });

  test('of 0 bytes computes everything again', async () => {
    const embeddings = createEmbeddingCache(encoders, 0);
    for (let time = 0; time < 2; time++) {
      const embedded = embeddings.text(spec, 'a cat', batch);
      finish();
      await embedded;
    }
    expect(computations).toHaveLength(2);
  });
});

describe.each([
  ['with a cache', cacheBytes],
  ['without a cache', 0],
])('what is being computed, %s', (_how, bytes) => {
  test('is computed once for all callers that ask meanwhile', async () => {
    const embeddings = createEmbeddingCache(encoders, bytes);
    const asked = [1, 2, 3].map(() => embeddings.image(spec, Uint8Array.of(1, 2, 3), batch));
    expect(computations).toHaveLength(1);
    computations[0]?.succeed(embeddingOf(5));
    for (const { embedding } of await Promise.all(asked)) expect(embedding).toEqual(Float32Array.of(5));
  });

  test('fails for all its callers, and is computed again for the next', async () => {
    const embeddings = createEmbeddingCache(encoders, bytes);
    const asked = Promise.allSettled([1, 2].map(() => embeddings.text(spec, 'a cat', batch)));
    computations[0]?.fail(new Error('out of memory'));
    expect((await asked).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const next = embeddings.text(spec, 'a cat', batch);
    computations[1]?.succeed();
    await expect(next).resolves.toMatchObject({ totalTokens: 0 });
  });

  test('for a batch does not make an interactive request wait', async () => {
    const embeddings = createEmbeddingCache(encoders, bytes);
    const posted = embeddings.text(spec, 'a cat', batch);
    const interactive = embeddings.text(spec, 'a cat', single);
    expect(computations.map((computation) => computation.interactive)).toEqual([false, true]);
    computations[1]?.succeed(embeddingOf(2));
    expect((await interactive).embedding).toEqual(Float32Array.of(2));
    computations[0]?.succeed(embeddingOf(1));
    await posted;
  });

  test('for one tenant does not make another wait', () => {
    const embeddings = createEmbeddingCache(encoders, bytes);
    for (const tenant of ['a', 'b']) embeddings.text(spec, 'a cat', { ...batch, tenant }).catch(() => {});
    expect(computations).toHaveLength(2);
  });

  test('is aborted when its last caller leaves, and not earlier', async () => {
    const embeddings = createEmbeddingCache(encoders, bytes);
    const clients = [new AbortController(), new AbortController()];
    const asked = clients.map(({ signal }) => embeddings.text(spec, 'a cat', { ...single, signal }));
    clients[0]?.abort(new Error('the first client left'));
    await expect(asked[0]).rejects.toThrow('the first client left');
    expect(computations[0]?.signal?.aborted).toBe(false);
    clients[1]?.abort(new Error('the second client left'));
    await expect(asked[1]).rejects.toThrow('the second client left');
    expect(computations[0]?.signal?.aborted).toBe(true);
    // A new caller does not join a computation that is ending.
    embeddings.text(spec, 'a cat', single).catch(() => {});
    expect(computations).toHaveLength(2);
  });
});
