import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigError, readConfig, settings } from '../../../shared/config.ts';

const messageOf = (env: NodeJS.ProcessEnv): string => {
  try {
    readConfig(env);
    return 'accepted';
  } catch (error) {
    return (error as Error).message;
  }
};

test('an empty environment gives the documented defaults', () => {
  expect(readConfig({})).toMatchObject({
    port: 8000,
    host: '127.0.0.1',
    allowAnonymous: false,
    redisUrl: undefined,
    dataDir: resolve('.data'),
    modelsFile: undefined,
    model: undefined,
    workerProfiles: undefined,
    metricsPort: 9100,
    logLevel: 'info',
    encoders: undefined,
    cacheBytes: 64 * 1024 * 1024,
    imageHostsAllow: [],
    imageHostsDeny: [],
    imageFileRoots: [],
    imageMaxBytes: 20 * 1024 * 1024,
    imageMaxPixels: 50_000_000,
    fetchTimeoutMs: 20_000,
    fetchPerHost: 32,
    serviceUrl: 'http://127.0.0.1:8000',
    apiKey: undefined,
    retentionHours: 72,
  });
});

test('a variable that is set but empty counts as absent', () => {
  const empty = Object.fromEntries(Object.values(settings).map(({ env }) => [env, '']));
  expect(readConfig(empty)).toEqual(readConfig({}));
});

test.each([
  'http://me:hidden@scores.example',
  'http://me:hid%20den@scores.example/evaluator',
  'http://hidden@scores.example',
  'ftp://me:hidden@scores.example',
  'http://me:hid/den@scores.example',
])('an address of the service with a user, %s, is refused without its password', (address) => {
  const thrown = (() => {
    try {
      readConfig({ VLS_URL: address });
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  })();
  expect(thrown).toMatch(/^VLS_URL="(http|ftp):\/\/scores\.example.*expected an http or https address/);
  expect(thrown).not.toMatch(/hid|den@|me:/);
});

test.each([
  ['PORT', '0', { port: 0 }],
  ['PORT', '65535', { port: 65_535 }],
  ['HOST', '::', { host: '::' }],
  ['VLS_URL', 'https://scores.example/evaluator/', { serviceUrl: 'https://scores.example' }],
  ['VLS_URL', 'http://[::1]:8000/', { serviceUrl: 'http://[::1]:8000' }],
  ['ALLOW_ANONYMOUS', '1', { allowAnonymous: true }],
  ['ALLOW_ANONYMOUS', 'true', { allowAnonymous: true }],
  ['ALLOW_ANONYMOUS', '0', { allowAnonymous: false }],
  ['ALLOW_ANONYMOUS', 'false', { allowAnonymous: false }],
  ['REDIS_URL', '/run/redis.sock', { redisUrl: '/run/redis.sock' }],
  ['DATA_DIR', 'data', { dataDir: resolve('data') }],
  ['DATA_DIR', '/var/lib/vls', { dataDir: '/var/lib/vls' }],
  ['MODELS_FILE', 'models.json', { modelsFile: resolve('models.json') }],
  ['MODEL', 'fast', { model: 'fast' }],
  ['WORKER_PROFILES', 'compact, fast,', { workerProfiles: ['compact', 'fast'] }],
  ['LOG_LEVEL', 'silent', { logLevel: 'silent' }],
  ['ENCODERS', '4', { encoders: 4 }],
  ['EMBEDDING_CACHE_MB', '0', { cacheBytes: 0 }],
  ['EMBEDDING_CACHE_MB', '2', { cacheBytes: 2 * 1024 * 1024 }],
  ['IMAGE_HOSTS_ALLOW', 'images.local, 10.0.0.7:9000', { imageHostsAllow: ['images.local', '10.0.0.7:9000'] }],
  ['IMAGE_HOSTS_ALLOW', '*.local,[::1]:9000,fd00::1', { imageHostsAllow: ['*.local', '[::1]:9000', 'fd00::1'] }],
  [
    'IMAGE_HOSTS_DENY',
    '*.evil.example, 203.0.113.0/24,2001:db8::/32,*',
    { imageHostsDeny: ['*.evil.example', '203.0.113.0/24', '2001:db8::/32', '*'] },
  ],
  [
    'IMAGE_FILE_ROOTS',
    'photos,/srv/photos/,team-a=/srv/a=b',
    {
      imageFileRoots: [
        { tenant: '*', path: resolve('photos') },
        { tenant: '*', path: '/srv/photos' },
        { tenant: 'team-a', path: '/srv/a=b' },
      ],
    },
  ],
  ['IMAGE_MAX_MB', '1', { imageMaxBytes: 1024 * 1024 }],
  ['IMAGE_MAX_MEGAPIXELS', '1', { imageMaxPixels: 1_000_000 }],
  ['BATCH_RETENTION_HOURS', '0.5', { retentionHours: 0.5 }],
])('%s=%s is read', (variable, value, expected) => {
  expect(readConfig({ [variable]: value })).toMatchObject(expected);
});

describe('a wrong value', () => {
  test.each([
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '80.5'],
    ['PORT', 'http'],
    ['METRICS_PORT', '70000'],
    ['ALLOW_ANONYMOUS', 'yes'],
    ['LOG_LEVEL', 'loud'],
    ['ENCODERS', '0'],
    ['EMBEDDING_CACHE_MB', '-1'],
    ['IMAGE_HOSTS_ALLOW', '*'],
    ['IMAGE_HOSTS_ALLOW', '10.0.0.0/8'],
    ['IMAGE_HOSTS_DENY', 'http://evil'],
    ['FETCH_PER_HOST', '0'],
    ['IMAGE_MAX_MB', '0'],
    ['IMAGE_MAX_MEGAPIXELS', '1001'],
    ['FETCH_TIMEOUT_MS', '99'],
    ['BATCH_RETENTION_HOURS', '0'],
    ['BATCH_RETENTION_HOURS', 'NaN'],
  ])('%s=%s is refused by name, with the value and what the variable is for', (variable, value) => {
    const { doc } = Object.values(settings).find(({ env }) => env === variable) ?? { doc: 'no such setting' };
    expect(() => readConfig({ [variable]: value })).toThrow(ConfigError);
    expect(messageOf({ [variable]: value })).toMatch(
      new RegExp(`^${variable}="${value.replace(/[.*]/g, '\\$&')}": .+`),
    );
    expect(messageOf({ [variable]: value })).toContain(doc);
  });

  test('does not hide another: all are named at once, a line each', () => {
    const wrong = {
      PORT: 'http',
      METRICS_PORT: '-1',
      ALLOW_ANONYMOUS: 'yes',
      LOG_LEVEL: 'loud',
      ENCODERS: '0',
      EMBEDDING_CACHE_MB: 'x',
      IMAGE_MAX_MB: '0',
      IMAGE_MAX_MEGAPIXELS: '0',
      FETCH_TIMEOUT_MS: '0',
      BATCH_RETENTION_HOURS: '0',
    };
    const lines = messageOf({ ...wrong, HOST: '127.0.0.1' }).split('\n');
    expect(lines.map((line) => line.split('=', 1)[0])).toEqual(expect.arrayContaining(Object.keys(wrong)));
    expect(lines).toHaveLength(Object.keys(wrong).length);
  });

  test.each(['abc', '80.5', '70000', '65536.5'])('PORT=%s is refused in plain words', (value) => {
    expect(messageOf({ PORT: value })).toMatch(
      new RegExp(`^PORT="${value}": expected a whole number from 0 to 65535\\. TCP port`),
    );
  });

  test.each([
    ['DEVICE', 'gpu', 'auto, cuda, coreml, dml, webgpu, cpu'],
    ['LOG_LEVEL', 'loud', 'fatal, error, warn, info, debug, trace, silent'],
    ['PRECISION', 'half', 'auto, fp32, fp16, int8'],
    ['ALLOW_ANONYMOUS', 'yes', '0, 1, true, false'],
  ])('%s=%s is refused with the possible values', (variable, value, possible) => {
    expect(messageOf({ [variable]: value })).toContain(`${variable}="${value}": expected one of ${possible}. `);
  });

  test('of any setting is refused without the words of a library', () => {
    const values = ['no such value', '*, a b', '-1', '1e9', ' ', 'http://[', 'redis://[', 's3://', '\0'];
    const messages = Object.values(settings).flatMap(({ env }) => values.map((value) => messageOf({ [env]: value })));
    expect(messages.filter((message) => /invalid (input|option|string|url)|too (small|big)/i.test(message))).toEqual(
      [],
    );
  });

  test('of a flag is named with the flag', () => {
    const flags = { VLS_URL: '--url', VLS_API_KEY: '--key' };
    const env = { VLS_URL: 'localhost:8201', VLS_API_KEY: 'a b', PORT: 'x' };
    expect(() => readConfig(env, flags)).toThrow(/^--url "localhost:8201": expected/m);
    expect(() => readConfig(env, flags)).toThrow(/^--key \(not shown\): expected/m);
    expect(() => readConfig(env, flags)).toThrow(/^PORT="x": expected/m);
  });

  test('of a secret is not repeated', () => {
    const message = messageOf({ WEBHOOK_SECRET: 'hunter2' });
    expect(message).toContain('WEBHOOK_SECRET');
    expect(message).not.toContain('hunter2');
  });
});

describe('the settings', () => {
  test('have a variable each', () => {
    const variables = Object.values(settings).map(({ env }) => env);
    expect(new Set(variables).size).toBe(variables.length);
    for (const variable of variables) expect(variable).toMatch(/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/);
  });

  test('are documented in whole sentences', () => {
    for (const { doc } of Object.values(settings)) expect(doc).toMatch(/^[A-Z].+\.$/);
  });

  test('keep the names that outsiders rely on', () => {
    const variables = Object.values(settings).map(({ env }) => env);
    expect(variables).toEqual(
      expect.arrayContaining([
        'PORT',
        'HOST',
        'REDIS_URL',
        'DATA_DIR',
        'MODELS_FILE',
        'MODEL',
        'IMAGE_HOSTS_ALLOW',
        'ALLOW_ANONYMOUS',
        'WORKER_PROFILES',
        'METRICS_PORT',
        'LOG_LEVEL',
      ]),
    );
  });
});
