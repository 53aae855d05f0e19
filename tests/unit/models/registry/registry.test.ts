import { cp, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { preprocessModes, recipeOf } from '../../../../models/model.ts';
import { type Execution, onCpu } from '../../../../models/registry/execution.ts';
import { loadRegistry, type Registry } from '../../../../models/registry/registry.ts';
import { called } from '../../../../shared/called.ts';
import { compactFolder, tinyClipFolder } from '../../../../testing/model-folders.ts';
import { until } from '../../../../testing/until.ts';
import { familyFolder } from '../../../support/golden-family.ts';
import { silentLog } from '../../../support/silent-log.ts';

let directory: string;
let overlay: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vls-registry-'));
  overlay = join(directory, 'models.json');
});
afterEach(() => rm(directory, { recursive: true }));

const load = (model?: string) => loadRegistry({ dataDir: join(directory, 'data'), modelsFile: undefined, model });
async function loadWith(content: unknown, model?: string): Promise<Registry> {
  await writeFile(overlay, typeof content === 'string' ? content : JSON.stringify(content));
  return await loadRegistry({ dataDir: join(directory, 'data'), modelsFile: overlay, model });
}
const tinyClip = { source: { type: 'folder', path: tinyClipFolder } };

describe('the built-in registry', () => {
  test('resolves compact, which needs no download', async () => {
    const { profile, spec } = await (await load()).resolve('compact');
    expect(profile).toBe('compact');
    expect(spec).toMatchObject({
      model: 'compact-1',
      revision: '1',
      precision: 'fp32',
      provider: 'cpu',
      probability: { kind: 'softmax', scale: 20 },
      dimensions: 384,
      microBatch: { images: 1, texts: 8 },
      visionPath: join(compactFolder, 'onnx', 'vision_model.onnx'),
    });
  });

  test('has compact as its default', async () => {
    const registry = await load();
    expect(registry.defaultName).toBe('compact');
    expect(await registry.resolve()).toEqual(await registry.resolve('compact'));
  });

  test('leads from the name of a model to the profile that names it', async () => {
    const { profile, spec } = await (await load()).resolve('compact-1');
    expect([profile, spec.model]).toEqual(['compact', 'compact-1']);
  });

  test('has the three profiles', async () => {
    expect((await load()).profiles).toEqual(['compact', 'fast', 'accurate']);
  });

  test.each(['fast', 'accurate'])(
    'says that %s is unavailable before it is pulled, and where it belongs',
    async (name) => {
      await expect((await load()).resolve(name)).rejects.toMatchObject({
        code: 'model.unavailable',
        message: expect.stringContaining(join(directory, 'data', 'models')),
      });
    },
  );

  test.each(['huge', '', 'Compact', '__proto__', 'constructor'])(
    'does not know %j, and says what it knows',
    async (name) => {
      await expect((await load()).resolve(name)).rejects.toMatchObject({
        code: 'model.unknown',
        message: expect.stringContaining('compact, fast, accurate'),
      });
    },
  );

  test('suggests the nearest name', async () => {
    await expect((await load()).resolve('acurate')).rejects.toThrow(
      /^No profile or model is named acurate\. Did you mean accurate\? Known names: compact, /,
    );
  });

  test('cuts a name that is far too long out of its message', async () => {
    const fault = await (await load()).resolve('x'.repeat(100_000)).catch((error: Error) => error.message.length);
    expect(fault).toBeLessThan(1_000);
  });
});

describe('the default', () => {
  test('is what MODEL names: a profile or a model', async () => {
    expect((await load('accurate')).defaultName).toBe('accurate');
    expect((await load('vit-b-32')).defaultName).toBe('vit-b-32');
  });

  test('of the overlay goes before the built-in one, and MODEL before both', async () => {
    const content = { default: 'mine', models: { mine: tinyClip } };
    expect((await loadWith(content)).defaultName).toBe('mine');
    expect((await loadWith(content, 'compact')).defaultName).toBe('compact');
  });

  test('that no registry file has is refused at the start', async () => {
    await expect(load('huge')).rejects.toThrow('huge');
  });
});

describe('an overlay', () => {
  test('adds a model from a folder that nothing more is said about', async () => {
    const registry = await loadWith({ models: { mine: tinyClip } });
    const { profile, spec } = await registry.resolve('mine');
    expect(profile).toBe('mine');
    expect(spec).toMatchObject({
      model: 'mine',
      revision: 'local',
      probability: { kind: 'softmax', scale: 100 },
      dimensions: 32,
      text: { maxTokens: 77 },
    });
    expect(registry.profiles).toEqual(['compact', 'fast', 'accurate', 'mine']);
  });

  test('names folders relative to itself', async () => {
    const path = relative(directory, tinyClipFolder);
    const { spec } = await (await loadWith({ models: { mine: { source: { type: 'folder', path } } } })).resolve('mine');
    expect(spec.visionPath).toBe(join(tinyClipFolder, 'onnx', 'vision_model.onnx'));
  });

  test('leads a profile to another model and leaves the others', async () => {
    const registry = await loadWith({ profiles: { fast: 'mine' }, models: { mine: { ...tinyClip, revision: '7' } } });
    const { profile, spec } = await registry.resolve('fast');
    expect([profile, spec.model, spec.revision]).toEqual(['fast', 'mine', '7']);
    expect((await registry.resolve('mine')).profile).toBe('fast');
    expect((await registry.resolve('compact')).spec.model).toBe('compact-1');
    // vit-b-32 lost its profile and is asked for by its own name.
    expect(registry.profiles).toEqual(['compact', 'fast', 'accurate', 'vit-b-32']);
  });

  test('replaces a model of the same name', async () => {
    const registry = await loadWith({ models: { 'compact-1': { ...tinyClip, revision: 'mine' } } });
    expect((await registry.resolve('compact')).spec).toMatchObject({
      model: 'compact-1',
      revision: 'mine',
      dimensions: 32,
    });
  });

  test('gives two profiles of one model the queue of the first', async () => {
    const registry = await loadWith({ profiles: { quick: 'mine', swift: 'mine' }, models: { mine: tinyClip } });
    expect((await registry.resolve('mine')).profile).toBe('quick');
    expect((await registry.resolve('swift')).profile).toBe('swift');
  });

  test('keeps a pulled model apart by its revision', async () => {
    const source = { type: 'huggingface', repo: 'someone/model', layout: 'xenova' };
    const registry = await loadWith({ models: { theirs: { source, revision: 'abc' } } });
    await expect(registry.resolve('theirs')).rejects.toThrow(join(directory, 'data', 'models', 'theirs', 'abc'));
  });

  test('that leads to a folder without a model makes that model unavailable and no other', async () => {
    const registry = await loadWith({ models: { empty: { source: { type: 'folder', path: '.' } } } });
    await expect(registry.resolve('empty')).rejects.toMatchObject({ code: 'model.unavailable' });
    await expect(registry.resolve('compact')).resolves.toMatchObject({ profile: 'compact' });
  });
});

describe('a fault of the overlay', () => {
  test.each([
    ['a source of an unknown type', { models: { mine: { source: { type: 'ftp' } } } }, 'models.mine.source'],
    ['a folder without a path', { models: { mine: { source: { type: 'folder' } } } }, 'models.mine.source.path'],
    ['a logit scale of zero', { models: { mine: { ...tinyClip, logitScale: 0 } } }, 'models.mine.logitScale'],
    [
      'a micro-batch of half an image',
      { models: { mine: { ...tinyClip, microBatch: { images: 0.5, texts: 1 } } } },
      'models.mine.microBatch.images',
    ],
    [
      'a hash that is none',
      { models: { mine: { ...tinyClip, files: { a: { sha256: 'abc' } } } } },
      'models.mine.files.a.sha256',
    ],
    ['a field nobody knows', { models: { mine: { ...tinyClip, logitscale: 100 } } }, 'logitscale'],
    ['a name with a slash', { models: { 'mine/1': tinyClip } }, 'models["mine/1"]'],
    ['a profile that is a number', { profiles: { fast: 3 } }, 'profiles.fast'],
    ['a section nobody knows', { model: {} }, 'model'],
  ])('%s names the file, the entry and the field', async (_what, content, field) => {
    const message = await loadWith(content).then(
      () => 'loaded',
      (error: Error) => error.message,
    );
    expect(message).toContain(overlay);
    expect(message).toContain(field);
  });

  test('that is not JSON names the file', async () => {
    await expect(loadWith('{ "models": ')).rejects.toThrow(overlay);
  });

  test('that does not exist names the file', async () => {
    await expect(loadRegistry({ dataDir: directory, modelsFile: overlay, model: undefined })).rejects.toThrow(overlay);
  });

  test('a profile that names an absent model names both', async () => {
    await expect(loadWith({ profiles: { tiny: 'nowhere' } })).rejects.toThrow(/tiny.*nowhere/);
  });

  test('a default that names nothing names it', async () => {
    await expect(loadWith({ default: 'nowhere' })).rejects.toThrow('nowhere');
    await expect(load('fsat')).rejects.toThrow(
      /^The model fsat \(MODEL\) is in no registry file\. Did you mean fast\? Known names: compact, fast, accurate, .*vit-b-32/,
    );
  });
});

describe('precision', () => {
  const twoPrecisions = async () => {
    const folder = join(directory, 'model');
    await cp(tinyClipFolder, folder, { recursive: true });
    for (const tower of ['vision', 'text'])
      await cp(join(folder, 'onnx', `${tower}_model.onnx`), join(folder, 'onnx', `${tower}_model_fp16.onnx`));
    await writeFile(overlay, JSON.stringify({ models: { mine: { source: { type: 'folder', path: folder } } } }));
  };
  const resolve = async (runtime: Partial<Execution>) => {
    const registry = await loadRegistry(
      { dataDir: join(directory, 'data'), modelsFile: overlay, model: undefined },
      { ...onCpu, ...runtime },
    );
    return (await registry.resolve('mine')).spec;
  };
  const gpu = { provider: 'cuda', count: 1, reason: 'of the test' } as const;

  test('is fp32 on a CPU and fp16 on a GPU, and the spec says why', async () => {
    await twoPrecisions();
    expect(await resolve({})).toMatchObject({ precision: 'fp32', choice: 'cpu: as configured; fp32: the default' });
    expect(await resolve({ device: gpu })).toMatchObject({
      precision: 'fp16',
      provider: 'cuda',
      visionPath: expect.stringContaining('_fp16'),
      choice: 'cuda: of the test; fp16: the default on a GPU',
    });
  });

  test('of fp16 on a CPU is used, with the remark that it brings nothing there', async () => {
    await twoPrecisions();
    const { precision, choice } = await resolve({ precision: 'fp16' });
    expect(precision).toBe('fp16');
    expect(choice).toMatch(/; fp16: PRECISION; fp16 has no advantage on a CPU/);
  });

  test('int8 is made from fp32 files on a CPU, in the data directory, whatever int8 files the model has', async () => {
    await twoPrecisions();
    for (const tower of ['vision', 'text']) {
      const file = join(directory, 'model', 'onnx', `${tower}_model`);
      await cp(`${file}.onnx`, `${file}_quantized.onnx`);
    }
    const made = join(directory, 'data', 'models', 'mine', 'local', 'onnx');
    expect(await resolve({ precision: 'int8' })).toMatchObject({
      precision: 'int8-rows-1',
      visionPath: join(made, 'vision_model_int8_rows_1.onnx'),
      made: [
        { from: join(directory, 'model', 'onnx', 'vision_model.onnx'), to: expect.stringContaining(made) },
        { from: join(directory, 'model', 'onnx', 'text_model.onnx'), to: expect.stringContaining(made) },
      ],
    });
    expect(await resolve({ precision: 'int8', device: gpu })).toMatchObject({ precision: 'int8' });
    for (const tower of ['vision', 'text']) await rm(join(directory, 'model', 'onnx', `${tower}_model.onnx`));
    expect(await resolve({ precision: 'int8' })).toMatchObject({
      precision: 'int8',
      visionPath: expect.stringContaining('_quantized'),
      choice: expect.stringContaining('a score also depends on the other inputs of the same run'),
    });
  });

  test('that a batch has pinned stays that of the int8 files of the model', async () => {
    await twoPrecisions();
    for (const tower of ['vision', 'text']) {
      const file = join(directory, 'model', 'onnx', `${tower}_model`);
      await cp(`${file}.onnx`, `${file}_quantized.onnx`);
    }
    const registry = await loadRegistry({ dataDir: join(directory, 'data'), modelsFile: overlay, model: undefined });
    const recipe = recipeOf((await registry.resolve('mine')).spec);
    expect(await registry.resolvePinned({ ...recipe, precision: 'int8' })).toMatchObject({ precision: 'int8' });
    expect(await registry.resolvePinned({ ...recipe, precision: 'int8-rows-1' })).toMatchObject({
      precision: 'int8-rows-1',
      textPath: expect.stringContaining('text_model_int8_rows_1.onnx'),
    });
  });

  test('that is requested but missing is refused, with the available ones', async () => {
    await twoPrecisions();
    await expect(resolve({ precision: 'int8', device: gpu })).rejects.toMatchObject({
      code: 'model.unavailable',
      message: expect.stringContaining('fp32 and fp16'),
    });
  });

  test('that is requested but missing falls back if allowed, and says so', async () => {
    await twoPrecisions();
    expect(await resolve({ precision: 'int8', device: gpu, deviceFallback: true })).toMatchObject({
      precision: 'fp32',
      choice: expect.stringContaining('since int8 is missing'),
    });
  });
});

/** Writes the overlay again and again: the watch compares with what it finds first, and does not say when that is. */
const writeUntil = (content: string, isSeen: () => boolean) =>
  until(async () => {
    if (isSeen()) return true;
    await writeFile(`${overlay}.draft`, content);
    await rename(`${overlay}.draft`, overlay);
    return isSeen();
  });

describe('a change of the registry', () => {
  test('is seen without a restart, and a batch of the former revision keeps it', async () => {
    const entry = (revision: string) => ({ models: { mine: { ...tinyClip, revision } } });
    const registry = await loadWith(entry('1'));
    try {
      const posted = recipeOf((await registry.resolve('mine')).spec);
      let isSeen = false;
      registry.watch(silentLog(), () => {
        isSeen = true;
      });
      await writeUntil(JSON.stringify(entry('2')), () => isSeen);
      expect((await registry.resolve('mine')).spec.revision).toBe('2');
      expect(await registry.resolvePinned(posted)).toMatchObject({ revision: '1', visionPath: expect.any(String) });
    } finally {
      registry.close();
    }
  });

  test('is consistent for requests during a reload: no earlier spec remains', async () => {
    const mine = (logitScale: number) => ({ models: { mine: { ...tinyClip, revision: '1', logitScale } } });
    const registry = await loadWith(mine(20));
    let isRead = false;
    registry.watch(silentLog(), () => {
      isRead = true;
    });
    try {
      const written = writeUntil(JSON.stringify(mine(50)), () => isRead);
      await until(async () => (await registry.resolve('mine')) && isRead, { everyMs: 1 });
      await written;
      expect((await registry.resolve('mine')).spec.probability.scale).toBe(50);
    } finally {
      registry.close();
    }
  });

  test('that is wrong leaves what there was, and says what is wrong', async () => {
    const registry = await loadWith({ models: { mine: tinyClip } });
    const faults: string[] = [];
    const log = silentLog();
    log.error = (({ reason }: { reason: string }) => faults.push(reason)) as typeof log.error;
    registry.watch(log);
    try {
      await writeUntil('{"models": {"mine": {}}}', () => faults.length > 0);
      expect(faults[0]).toContain('models.mine.source');
      expect(registry.fault).toBe(faults[0]);
      expect((await registry.resolve('mine')).spec.model).toBe('mine');
    } finally {
      registry.close();
    }
  });
});

describe('what a batch is pinned to', () => {
  test.each([
    ['a revision nobody has', { revision: '7' }, 'revision local of mine instead of 7'],
    ['a preprocess of another release', { preprocess: 'other-1' }, 'no preprocess other-1'],
    ['a text cleaning of another release', { textCleaning: 'other-1' }, 'instead of other-1'],
  ])('is told apart from what is here: %s', async (_what, difference, words) => {
    const registry = await loadWith({ models: { mine: tinyClip } });
    const posted = recipeOf((await registry.resolve('mine')).spec);
    expect(await registry.resolvePinned({ ...posted, ...difference })).toEqual({
      difference: expect.stringContaining(words),
    });
  });

  test('is found where a pull has left it, by a process that never had that revision in its registry', async () => {
    const source = { type: 'huggingface', layout: 'xenova', repo: 'owner/clip', revision: 'second' };
    const models = join(directory, 'data', 'models', 'mine');
    for (const revision of ['first', 'second']) await cp(tinyClipFolder, join(models, revision), { recursive: true });
    const registry = await loadWith({ models: { mine: { source } } });
    const posted = { ...recipeOf((await registry.resolve('mine')).spec), revision: 'first' };
    expect(await registry.resolvePinned(posted)).toMatchObject({
      revision: 'first',
      visionPath: join(models, 'first', 'onnx', 'vision_model.onnx'),
    });
    // A revision from a queue is not trusted as the name of a directory.
    for (const revision of ['third', '../mine/first', 'first/../first']) {
      expect(await registry.resolvePinned({ ...posted, revision })).toHaveProperty('difference');
    }
  });

  test('decides the preprocess, whatever this process is set to', async () => {
    const registry = await loadWith({ models: { mine: tinyClip } });
    const { spec } = await registry.resolve('mine');
    for (const preprocess of preprocessModes) {
      const posted = recipeOf({ ...spec, preprocess });
      expect(await registry.resolvePinned(posted)).toMatchObject({ preprocess });
    }
    // The default of earlier releases.
    const earlier = { ...recipeOf(spec), preprocess: 'pillow-bicubic-3' };
    expect(await registry.resolvePinned(earlier)).toMatchObject({ preprocess: 'fast' });
  });
});

describe('the catalogue', () => {
  test('is not part of a service until its models are pulled', async () => {
    const registry = await load();
    expect(registry.profiles).toEqual(['compact', 'fast', 'accurate']);
    expect((await registry.list()).map(({ model }) => model)).toEqual(['compact-1', 'vit-b-32', 'vit-l-14']);
    expect((await registry.list({ catalogue: true })).map(({ model }) => model)).toContain('siglip2-b-16-224');
  });

  test('names the command that pulls a model that is asked for', async () => {
    const registry = await load();
    await expect(registry.resolve('siglip-b-16-224')).rejects.toMatchObject({
      code: 'model.unavailable',
      message: expect.stringContaining(
        `\`${called} models pull siglip-b-16-224 --data-dir ${join(directory, 'data')}\` fetches them`,
      ),
    });
  });

  test('has a model that was pulled, and one that is the default or of a profile', async () => {
    const folder = join(directory, 'data/models/siglip-b-16-224/main');
    await cp(familyFolder('siglip'), folder, { recursive: true });
    const registry = await loadWith({ profiles: { small: 'mobileclip2-s0' } }, 'vit-b-16');
    expect(registry.profiles).toEqual(['compact', 'fast', 'accurate', 'small', 'vit-b-16', 'siglip-b-16-224']);
  });
});
