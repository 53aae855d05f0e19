import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type ChildKind, childEnvironment } from '../../../shared/child-environment.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const kinds: ChildKind[] = [
  'encoder',
  'fileReader',
  'deviceProbe',
  'redis',
  'docker',
  'systemInstall',
  'pageBuild',
  'packageInstall',
  'tool',
];
const secrets = {
  WEBHOOK_SECRET: 'whsec_secret',
  METRICS_TOKEN: 'secret',
  REDIS_URL: 'redis://:secret@127.0.0.1',
  API_KEYS: 'secret',
  VLS_API_KEY: 'secret',
  HF_TOKEN: 'secret',
  AWS_ACCESS_KEY_ID: 'secret',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_SESSION_TOKEN: 'secret',
  OTEL_EXPORTER_OTLP_HEADERS: 'authorization=secret',
  NVIDIA_API_KEY: 'secret',
  GITHUB_TOKEN: 'secret',
  MY_DATABASE_PASSWORD: 'secret',
};

describe.each(kinds)('a child of the kind %s', (kind) => {
  test('finds programs and its home, and gets no secret', () => {
    const environment = childEnvironment(kind, {}, { ...secrets, PATH: '/bin', HOME: '/home/me', LC_TIME: 'C' });
    expect(environment).toEqual({ PATH: '/bin', HOME: '/home/me', LC_TIME: 'C', ORT_DISABLE_TELEMETRY: '1' });
  });

  test('has the telemetry of ONNX Runtime switched off, whatever its parent says', () => {
    expect(childEnvironment(kind, {}, { ORT_DISABLE_TELEMETRY: '0' })).toMatchObject({ ORT_DISABLE_TELEMETRY: '1' });
  });

  test('gets what its parent sets', () => {
    expect(childEnvironment(kind, { SET: 'yes' }, {})).toMatchObject({ SET: 'yes' });
  });
});

test('the encoder gets the variables of GPUs and Node.js, docker those of its engine, npm those of its registry', () => {
  const own = {
    CUDA_VISIBLE_DEVICES: '1',
    NODE_OPTIONS: '-x',
    DOCKER_HOST: 'tcp://a',
    npm_config_registry: 'https://b',
  };
  const shown = (kind: ChildKind) => Object.keys(childEnvironment(kind, {}, own)).slice(0, -1);
  expect(shown('encoder')).toEqual(['CUDA_VISIBLE_DEVICES', 'NODE_OPTIONS']);
  expect(shown('docker')).toEqual(['DOCKER_HOST']);
  expect(shown('packageInstall')).toEqual(['NODE_OPTIONS', 'npm_config_registry']);
});

async function sources(): Promise<[string, string][]> {
  const rooms = 'api,batches,cli,deploy,evaluation,images,models,shared,start,traffic,web,worker';
  const found: [string, string][] = [];
  for await (const path of glob(`{${rooms}}/**/*.{ts,tsx,js}`, { cwd: root, exclude: ['web/dist/**'] })) {
    found.push([path, readFileSync(join(root, path), 'utf8')]);
  }
  return found;
}

test('every file that starts processes names the environment of each', async () => {
  const starts = /(?<![.\w])(?:spawn|spawnSync|fork|execFile|execFileSync|execSync|exec|run|runChild)\(\s*(?!\[)/g;
  const starters = (await sources()).filter(([, text]) => /from 'node:child_process'|from '\.\/child\.js'/.test(text));
  const environments = Object.fromEntries(
    starters
      .map(([path, text]): [string, number[]] => [
        path,
        [
          text.match(/promisify\(execFile\)\(/g)?.length ?? 0,
          [...text.matchAll(starts)].filter(({ index }) => !/function $|async $/.test(text.slice(0, index))).length,
          text.match(/childEnvironment\('|childEnvironment\(server|\.\.\.telemetryOff/g)?.length ?? 0,
        ],
      ])
      .map(([path, [promised = 0, called = 0, named = 0]]) => [path, promised + called - named]),
  );
  // The first takes the environment as an argument; its callers are in this list. The second is a tool of operators: their
  // kubectl needs their whole environment, as its plugins get credentials from any variable.
  const { 'start/bootstrap/child.js': taken, 'deploy/preflight/main.ts': kubectl, ...others } = environments;
  expect([taken, kubectl]).toEqual([1, 1]);
  expect(Object.keys(others)).toContain('models/encoder/process.ts');
  expect(others).toEqual(Object.fromEntries(Object.keys(others).map((path) => [path, 0])));
});

test('one file imports ONNX Runtime, after its telemetry is switched off', async () => {
  const importers = (await sources()).filter(([, text]) =>
    /(?:from|import|import\(|require\()\s*'onnxruntime-/.test(text),
  );
  expect(importers.map(([path]) => path)).toEqual(['models/onnx-runtime.ts']);
  const [, text = ''] = importers[0] ?? [];
  const statements = text.split('\n').filter((line) => /^(import|export)/.test(line));
  expect(statements[0]).toBe("import './telemetry-off.ts';");
});
