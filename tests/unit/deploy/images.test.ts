import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isAtLeast } from '../../deploy/command.ts';
import { parseDockerfile } from '../../support/dockerfile.ts';
import { readYaml, root, yamlFilesBelow } from './manifests.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const images = JSON.parse(read('deploy/images.json')) as Record<string, string>;
const { version } = JSON.parse(read('package.json')) as { version: string };

/** The values of `image` anywhere in a document. */
function imagesIn(value: unknown): string[] {
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, of]) =>
    key === 'image' && typeof of === 'string' ? [of] : imagesIn(of),
  );
}

/** Every image that a file names, without the variable that may replace it. */
const named: { path: string; image: string }[] = [
  ...imagesIn(readYaml('docker-compose.yml')).map((image) => ({
    path: 'docker-compose.yml',
    image: image.replace(/^\$\{\w+:-(.*)\}$/, '$1'),
  })),
  ...yamlFilesBelow('deploy/k8s').flatMap((path) => imagesIn(readYaml(path)).map((image) => ({ path, image }))),
  ...[...read('docker-compose.yml').matchAll(/\w+_IMAGE: \$\{\w+:-([^}]+)\}/g)].map(([, image = '']) => ({
    path: 'docker-compose.yml',
    image,
  })),
  ...[...read('deploy/Dockerfile').matchAll(/^ARG \w+_IMAGE=(\S+)$/gm)].map(([, image = '']) => ({
    path: 'deploy/Dockerfile',
    image,
  })),
  ...[...read('start/redis/docker.ts').matchAll(/^const IMAGE = '([^']+)'/gm)].map(([, image = '']) => ({
    path: 'start/redis/docker.ts',
    image,
  })),
];

test('the places that name images are found', () => {
  expect(new Set(named.map(({ path }) => path))).toEqual(
    new Set([
      'docker-compose.yml',
      'deploy/Dockerfile',
      'deploy/k8s/api/api.yaml',
      'deploy/k8s/base/redis.yaml',
      'deploy/k8s/gpu/worker.yaml',
      'deploy/k8s/pull/pull.yaml',
      'deploy/k8s/restore/restore.yaml',
      'deploy/k8s/worker/worker.yaml',
      'start/redis/docker.ts',
    ]),
  );
  for (const image of Object.values(images)) expect(named.map((place) => place.image)).toContain(image);
});

test.each(named)('$path names $image as deploy/images.json or package.json do', ({ image }) => {
  const ours = [`vision-language-similarity:${version}`, `vision-language-similarity-gpu:${version}`];
  expect([...Object.values(images), ...ours]).toContain(image);
});

test('Dockerfile, bake file and guides have the version of package.json', () => {
  expect(read('deploy/Dockerfile')).toContain(`org.opencontainers.image.version="${version}"`);
  expect(read('deploy/docker-bake.hcl')).toContain(`variable "VERSION" { default = "${version}" }`);
  const tagged = [
    ...(read('deploy/Dockerfile') + read('docs/deployment.md')).matchAll(/similarity(?:-gpu)?:([\d.]+\d)/g),
  ];
  expect(new Set(tagged.map(([, tag]) => tag))).toEqual(new Set([version]));
});

test('every stage of the Dockerfile starts from a listed image or another stage', () => {
  for (const DEVICE of ['cpu', 'gpu']) {
    const stages = parseDockerfile(read('deploy/Dockerfile'), { DEVICE });
    for (const { from } of stages) {
      expect([...Object.values(images), ...stages.map(({ name }) => name)]).toContain(from);
    }
  }
  expect(read('deploy/Dockerfile')).not.toMatch(/^# *syntax *=/m);
});

describe.each(Object.entries(images))('%s', (name, image) => {
  test('has a version, and where its digest is known, the digest', () => {
    expect(image).toMatch(/^[a-z/]+:v?\d+\.\d+\.\d+(-[a-z0-9.-]+)?(@sha256:[0-9a-f]{64})?$/);
    // The digest of this tag could not be confirmed; Renovate adds it.
    if (name !== 'cuda') expect(image).toContain('@sha256:');
  });
});

test('the image of Node has the Node of the package', () => {
  const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, { version?: string }> };
  expect(images['node']).toMatch(new RegExp(`^node:${lock.packages['node_modules/node']?.version}-`));
});

test.each([
  // CVE-2026-23479 is fixed in 8.2.6; 8.2.10 is the security release of September 2026.
  { name: 'redis', least: '8.2.10', line: /^8\.2\./ },
  // The line with long support. 3.5 was the one before.
  { name: 'prometheus', least: '3.13.4', line: /^3\.13\./ },
  // These have no line with long support, and each version is supported for some months.
  { name: 'grafana', least: '13.2.3', line: /./ },
  { name: 'jaeger', least: '2.21.0', line: /^2\./ },
])('$name is of a line with support, and not older than $least', ({ name, least, line }) => {
  const [, version = ''] = /:v?(\d+\.\d+\.\d+)/.exec(images[name] ?? '') ?? [];
  expect(version).toMatch(line);
  expect([version, isAtLeast(version, least)]).toEqual([version, true]);
});

describe('Renovate', () => {
  const renovate = JSON.parse(read('renovate.json')) as {
    extends: string[];
    enabledManagers: string[];
    kubernetes: { managerFilePatterns: string[] };
    customManagers: { managerFilePatterns: string[]; matchStrings: string[] }[];
  };
  const expressionsOf = (patterns: string[]) => patterns.map((pattern) => new RegExp(pattern.replace(/^\/|\/$/g, '')));

  test('pins digests, and reads every place', () => {
    expect(renovate.extends).toContain('docker:pinDigests');
    const read = (path: string) => {
      if (path === 'deploy/Dockerfile') return renovate.enabledManagers.includes('dockerfile');
      const patterns = path.endsWith('.yaml')
        ? renovate.kubernetes.managerFilePatterns
        : renovate.customManagers.flatMap(({ managerFilePatterns }) => managerFilePatterns);
      return expressionsOf(patterns).some((expression) => expression.test(path));
    };
    for (const { path } of named) expect([path, read(path)]).toEqual([path, true]);
    expect(read('deploy/images.json')).toBe(true);
  });

  test('finds every image of the compose file that is not built here, arguments of builds included', () => {
    const compose = read('docker-compose.yml');
    const manager = renovate.customManagers.find(({ managerFilePatterns }) =>
      expressionsOf(managerFilePatterns).some((expression) => expression.test('docker-compose.yml')),
    );
    const found = [...compose.matchAll(new RegExp(manager?.matchStrings[0] ?? 'none', 'g'))].map(({ groups }) => {
      const { depName, currentValue, currentDigest } = groups ?? {};
      return `${depName}:${currentValue}${currentDigest === undefined ? '' : `@${currentDigest}`}`;
    });
    const all = [...compose.matchAll(/_IMAGE:-([^}]+)\}/g)].map(([, image]) => image ?? '');
    expect(found).toEqual(all.filter((image) => !image.startsWith('vision-language-similarity')));
    expect(found).toHaveLength(7);
  });

  test('finds each image of deploy/images.json, and the one of npm start, with version and digest', () => {
    const [manager] = renovate.customManagers;
    const expression = new RegExp(manager?.matchStrings[0] ?? '', 'g');
    const found = (path: string) =>
      [...read(path).matchAll(expression)].map(({ groups }) => {
        const digest = groups?.['currentDigest'];
        return `${groups?.['depName']}:${groups?.['currentValue']}${digest === undefined ? '' : `@${digest}`}`;
      });
    expect(found('deploy/images.json')).toEqual(Object.values(images));
    expect(found('start/redis/docker.ts')).toEqual([images['redis']]);
  });
});

describe('the workflows', () => {
  const workflows = readdirSync(join(root, '.github/workflows')).map((name) => `.github/workflows/${name}`);

  test('use actions by commit, with their version, and Renovate updates both', () => {
    const used = workflows.flatMap((path) => [...read(path).matchAll(/uses: (.+)$/gm)].map(([, action]) => action));
    expect(used.length).toBeGreaterThan(3);
    for (const action of used) expect(action).toMatch(/^[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    const renovate = JSON.parse(read('renovate.json')) as { extends: string[]; enabledManagers: string[] };
    expect(renovate.extends).toContain('helpers:pinGitHubActionDigests');
    expect(renovate.enabledManagers).toContain('github-actions');
  });

  test('run the checks of the deployment for every file that goes into the image, and build the GPU image', () => {
    const [workflow] = readYaml<{ on: { pull_request: { paths: string[] } }; jobs: Record<string, object> }>(
      '.github/workflows/deploy.yml',
    );
    const paths = workflow?.on.pull_request.paths ?? [];
    const context = [...read('.dockerignore').matchAll(/^!(\S+)$/gm)].map(([, path = '']) => path);
    expect(context.length).toBeGreaterThan(10);
    const covers = (path: string) => paths.some((of) => of === path || `${path}/`.startsWith(of.replace(/\*\*$/, '')));
    expect(context.filter((path) => !covers(path))).toEqual([]);
    expect(JSON.stringify(workflow?.jobs['gpu'])).toContain('--build-arg DEVICE=gpu');
  });
});
