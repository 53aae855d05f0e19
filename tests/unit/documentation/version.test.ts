import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Lock {
  version: string;
  packages: Record<string, { version?: string }>;
}

const read = (path: string) => readFileSync(path, 'utf8');
const { version } = JSON.parse(read('package.json')) as { version: string };
const lock = JSON.parse(read('package-lock.json')) as Lock;
const cli = JSON.parse(read('clients/cli/package.json')) as { version: string };

/** Returns what the pattern captures in a file. */
const found = (path: string, pattern: RegExp) => [...read(path).matchAll(pattern)].map(([, captured]) => captured);

test.each([
  ['the lock file', [lock.version, lock.packages['']?.version]],
  ['the command line alone', [cli.version]],
  ['the Python client', found('clients/python/pyproject.toml', /^version = "(.+)"$/gm)],
  ['the label of the image', found('deploy/Dockerfile', /image\.version="(.+?)"/g)],
  ['the bake file', found('deploy/docker-bake.hcl', /variable "VERSION" \{ default = "(.+?)" \}/g)],
  ['the manifest of the API', found('deploy/k8s/api/api.yaml', /vision-language-similarity:(\S+)/g)],
  ['the manifest of the worker', found('deploy/k8s/worker/worker.yaml', /vision-language-similarity:(\S+)/g)],
  ['the example overlay', found('deploy/k8s/overlays/example/kustomization.yaml', /newTag: ([^ }]+)/g)],
  ['the compose file', found('docker-compose.yml', /vision-language-similarity(?:-gpu)?:([\d.]+)/g)],
  ['the guide to deployment', found('docs/deployment.md', /vision-language-similarity[-:](\d+\.\d+\.\d+)/g)],
  ['the newest entry of the changelog', [found('CHANGELOG.md', /^## (.+)$/gm)[0]]],
])('%s has the version of package.json', (_place, versions) => {
  expect(versions.length).toBeGreaterThan(0);
  expect(new Set(versions)).toEqual(new Set([version]));
});
