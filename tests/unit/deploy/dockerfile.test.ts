import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findProgram } from '../../../start/redis/find.ts';
import { isInContext, parseDockerignore } from '../../support/build-context.ts';
import { environmentOf, execForm, parseDockerfile } from '../../support/dockerfile.ts';
import { importsOfFile } from '../house/imports-of.ts';
import { root } from './manifests.ts';

const path = join(root, 'deploy/Dockerfile');
const text = readFileSync(path, 'utf8');
const hadolint = findProgram('hadolint');
if (hadolint === undefined) console.log('Skipped: hadolint is not on the PATH.');

test.skipIf(hadolint === undefined)('hadolint finds no fault', () => {
  const { stdout, stderr } = spawnSync(hadolint ?? '', ['--no-color', path], { encoding: 'utf8' });
  expect(stdout + stderr).toBe('');
});

test.each([
  { DEVICE: 'cpu', base: /^node:24\.\d+\.\d+-bookworm-slim@/, packages: 'packages-cpu' },
  // ONNX Runtime 1.27 and newer are built for CUDA 13 and cuDNN 9.
  { DEVICE: 'gpu', base: /^nvidia\/cuda:13\.\d+\.\d+-cudnn-runtime-/, packages: 'packages-gpu' },
])('DEVICE=$DEVICE leads to an image on $base with the packages of $packages', ({ DEVICE, base, packages }) => {
  const stages = parseDockerfile(text, { DEVICE });
  const baseOf = (from: string): string => {
    const stage = stages.find(({ name }) => name === from);
    return stage === undefined ? from : baseOf(stage.from);
  };
  expect(baseOf(stages.at(-1)?.from ?? '')).toMatch(base);
  expect(stages.find(({ name }) => name === 'packages')?.from).toBe(packages);
});

test('the GPU packages ask ONNX Runtime for its CUDA library, although .npmrc says to skip it', () => {
  const stage = parseDockerfile(text).find(({ name }) => name === 'packages-gpu');
  const environment = environmentOf(stage?.instructions.find(({ name }) => name === 'ENV')?.argument ?? '');
  expect(environment).toEqual({ ONNXRUNTIME_NODE_INSTALL: 'cuda12' });
  const { requirements } = createRequire(import.meta.url)('onnxruntime-node/script/install-metadata.js') as {
    requirements: Record<string, string[]>;
  };
  expect(requirements['linux/x64']).toEqual(['cuda12']);
  const skips = (env: Record<string, string>) => {
    const asked = `console.log(require('onnxruntime-node/script/install-utils.js').parseInstallFlag() === false)`;
    const { stdout } = spawnSync(process.execPath, ['--eval', asked], { cwd: root, encoding: 'utf8', env });
    return stdout.trim();
  };
  // As npm hands the line of .npmrc to install scripts.
  const npmrc = { npm_config_onnxruntime_node_install: 'skip' };
  expect([skips(npmrc), skips({ ...npmrc, ...environment })]).toEqual(['true', 'false']);
});

test('the GPU image is built only if its base has the CUDA that the provider is linked to', () => {
  const stages = parseDockerfile(text, { DEVICE: 'gpu' });
  const named = (name: string) => stages.find((stage) => stage.name === name);
  expect(named('checked-gpu')?.from).toBe('cuda');
  const check = named('checked-gpu')?.instructions.find(({ name }) => name === 'RUN')?.argument ?? '';
  expect(check).toContain('ldd /provider/libonnxruntime_providers_cuda.so');
  const copied = named('runtime-gpu')?.instructions.filter(({ flags }) => flags['from'] === 'checked-gpu');
  expect(copied).toHaveLength(1);
});

test('the image says what it is, and has the list of its packages', () => {
  const last = parseDockerfile(text).at(-1)?.instructions ?? [];
  const label = last.find(({ name }) => name === 'LABEL')?.argument ?? '';
  for (const key of ['title', 'description', 'licenses', 'version', 'revision']) {
    expect(label).toContain(`org.opencontainers.image.${key}=`);
  }
  expect(last.map(({ argument }) => argument)).toContain('/app/sbom.cdx.json sbom.cdx.json');
  const bake = readFileSync(join(root, 'deploy/docker-bake.hcl'), 'utf8');
  expect(bake).toMatch(/attest = \[\s*"type=provenance,mode=max",\s*SBOM_GENERATOR == "" \? "type=sbom" : /);
});

test('the guide states the size of the image, and the parts add up to it', () => {
  const guide = readFileSync(join(root, 'docs/deployment.md'), 'utf8');
  const [, table = ''] = /^(\| the image, uncompressed [\s\S]*?)\n\| the GPU image/m.exec(guide) ?? [];
  const [all = 0, ...parts] = [...table.matchAll(/^\| [^|]+\| (\d+) MB/gm)].map(([, size]) => Number(size));
  expect(all).toBeGreaterThan(0);
  expect(parts).toHaveLength(4);
  // Each is rounded.
  expect(Math.abs(parts.reduce((sum, part) => sum + part, 0) - all)).toBeLessThanOrEqual(3);
});

test('every installation of packages uses a cache of the builder', () => {
  const installs = [...text.matchAll(/^RUN (.*)npm ci/gm)];
  expect(installs.map(([, flags]) => flags)).toEqual(Array(2).fill('--mount=type=cache,target=/root/.npm '));
});

test('the image runs without root and without a shell, stops on SIGTERM, and checks its health with Node', () => {
  const last = parseDockerfile(text).at(-1)?.instructions ?? [];
  const argumentOf = (name: string) => last.find((instruction) => instruction.name === name)?.argument ?? '';
  expect(argumentOf('USER')).toBe('1000:1000');
  expect(argumentOf('STOPSIGNAL')).toBe('SIGTERM');
  expect(execForm(argumentOf('ENTRYPOINT'))).toEqual(['node', 'deploy/run.ts']);
  expect(execForm(argumentOf('HEALTHCHECK').replace(/^CMD /, ''))).toEqual(['node', 'deploy/health.ts']);
  // Whatever is built is built in the stages before.
  expect(last.filter(({ name }) => name === 'RUN')).toEqual([]);
});

test('the image has no npm and no yarn', () => {
  const runtime = parseDockerfile(text, { DEVICE: 'cpu' }).find(({ name }) => name === 'runtime-cpu');
  const [, removed = ''] =
    /&& (rm -rf \/usr\/local\/lib\/node_modules .*)/.exec(
      runtime?.instructions.find(({ name }) => name === 'RUN')?.argument ?? '',
    ) ?? [];
  for (const program of ['npm', 'npx', 'corepack', 'yarn', 'yarnpkg']) expect(removed).toContain(`/bin/${program}`);
});

test('no stage of the image that is shipped installs a compiler', () => {
  const installs = [...text.matchAll(/apt-get install -y --no-install-recommends ([^&]+)&&/g)];
  expect(installs.map(([, packages = '']) => packages.trim())).toEqual(['redis-server', 'redis-server']);
});

test('the build sees the sources and nothing of the machine it runs on', () => {
  const patterns = parseDockerignore(readFileSync(join(root, '.dockerignore'), 'utf8'));
  for (const kept of ['api/main.ts', 'models/compact/onnx/text_model.onnx', '.npmrc', 'deploy/run.ts']) {
    expect([kept, isInContext(kept, patterns)]).toEqual([kept, true]);
  }
  const left = ['.env', '.git/config', '.data/redis/dump', 'node_modules/express/index.js', 'web/dist/index.html'];
  for (const path of [...left, 'tests/run.ts', 'docker-compose.yml', 'models/compact/build.py', 'web/node_modules/a']) {
    expect([path, isInContext(path, patterns)]).toEqual([path, false]);
  }
});

test('the build sees every file that the image runs, and all that these import', () => {
  const patterns = parseDockerignore(readFileSync(join(root, '.dockerignore'), 'utf8'));
  const entries = [
    'deploy/run.ts',
    'deploy/health.ts',
    'start/bootstrap.js',
    'models/encoder/main.ts',
    'models/decoder/main.ts',
    'web/build.ts',
    'web/main.tsx',
  ];
  const reached = new Set(entries);
  for (const file of reached) {
    if (!/\.[jt]sx?$/.test(file)) continue;
    for (const imported of importsOfFile(file)) if (imported.file !== undefined) reached.add(imported.file);
  }
  expect(reached.size).toBeGreaterThan(200);
  expect([...reached].filter((file) => existsSync(file) && !isInContext(file, patterns))).toEqual([]);
});
