import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { callableFrom, calledAs, modelFlags } from '../../../shared/called.ts';

test.each([
  ['from a folder of the PATH', '/usr/local/bin/vls', { PATH: '/bin:/usr/local/bin' }, 'vls'],
  ['from another folder', '/home/me/node_modules/.bin/vls', { PATH: '/bin' }, './node_modules/.bin/vls'],
  ['from a folder elsewhere', '/opt/vls/bin/vls', { PATH: '/bin' }, '/opt/vls/bin/vls'],
  ['by npx in a checkout', '/home/me/cli/vls.js', { npm_command: 'exec', PATH: '/bin' }, 'npx vls'],
  ['as a script of Node', '/home/me/cli/vls.js', { PATH: '/bin' }, 'node cli/vls.js'],
])('a program that is called %s names itself so', (_how, script, env, expected) => {
  expect(calledAs(script, env, '/home/me')).toBe(expected);
});

test('a program that npx has fetched names its package, because another package has the name of the command', () => {
  const cache = mkdtempSync(join(tmpdir(), 'vls-npx-'));
  onTestFinished(() => rmSync(cache, { recursive: true }));
  const modules = join(cache, '_npx', '0a1b', 'node_modules');
  mkdirSync(join(modules, 'vision-language-similarity-cli', 'dist'), { recursive: true });
  mkdirSync(join(modules, '.bin'));
  const script = join(modules, 'vision-language-similarity-cli', 'dist', 'vls.js');
  writeFileSync(script, '');
  symlinkSync(script, join(modules, '.bin', 'vls'));
  const called = calledAs(join(modules, '.bin', 'vls'), { npm_command: 'exec' }, '/home/me');
  expect(called).toBe('npx vision-language-similarity-cli');
});

test.each([
  ['npm started in a checkout', { npm_command: 'start' }, 'npx vls'],
  ['runs in a container', {}, 'node cli/vls.js'],
])('a service that %s names the command line so', (_how, env, expected) => {
  expect(callableFrom(env, '/app', '/app')).toBe(expected);
});

test('a service outside of its folder names the path of the command line', () => {
  expect(callableFrom({}, '/opt/node_modules/vision-language-similarity', '/home/me')).toBe(
    'node /opt/node_modules/vision-language-similarity/cli/vls.js',
  );
});

test.each([
  [{ dataDir: '/home/me/.data' }, ''],
  [{ dataDir: '/home/me/data' }, ' --data-dir data'],
  [{ dataDir: '/srv/vls' }, ' --data-dir /srv/vls'],
  [{ dataDir: "/srv/it's data" }, " --data-dir '/srv/it'\\''s data'"],
  [{ dataDir: '/home/me/.data', modelsFile: '/etc/models.json' }, ' --models-file /etc/models.json'],
])('a command about models gets the flags of other settings than the defaults: %o', (settings, flags) => {
  expect(modelFlags(settings, '/home/me')).toBe(flags);
});
