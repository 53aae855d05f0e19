import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { readConfig, settings } from '../../../shared/config.ts';
import { drainMs } from '../../../shared/lifecycle.ts';
import { findProgram } from '../../../start/redis/find.ts';
import { readYaml, root } from './manifests.ts';

interface Service {
  image: string;
  build?: { dockerfile: string; args?: Record<string, string> };
  command?: string[];
  container_name?: string;
  profiles?: string[];
  secrets?: string[];
  user?: string;
  read_only?: boolean;
  tmpfs?: string[];
  cap_drop?: string[];
  cap_add?: string[];
  privileged?: boolean;
  security_opt?: string[];
  ports?: string[];
  volumes?: string[];
  networks?: string[] | Record<string, unknown>;
  cpuset?: string;
  cpu_shares?: number;
  memswap_limit?: string;
  environment?: Record<string, string>;
  stop_grace_period?: string;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  deploy: { resources: { limits: { cpus?: string; memory?: string; pids?: number }; reservations?: object } };
}
interface Compose {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean }>;
  volumes: Record<string, unknown>;
}

const schema = JSON.parse(readFileSync(new URL('./schemas/compose-spec.json', import.meta.url), 'utf8')) as object;
const validate = new Ajv2020({ strict: false, validateFormats: false, allErrors: true }).compile(schema);

/** As compose reads it where no variable is set. `$$` stands for a dollar of the command. */
function interpolate(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/\$\{\w+:?-([^}]*)\}/g, '$1').replaceAll('$$', '$');
  if (Array.isArray(value)) return value.map(interpolate);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, of]) => [key, interpolate(of)]));
}
const compose = interpolate(readYaml('docker-compose.yml')[0]) as Compose;
const services = Object.entries(compose.services);
const named = (name: string): Service => {
  const service = compose.services[name];
  if (service === undefined) throw new Error(`There is no service ${name}`);
  return service;
};

test('docker-compose.yml keeps to the Compose Specification', () => {
  validate(compose);
  expect(validate.errors ?? []).toEqual([]);
});

test('the schema refuses a misspelt key', () => {
  expect(validate({ services: { api: { image: 'a', read_onyl: true } } })).toBe(false);
});

test('the stack is API, worker, Redis, Prometheus, Grafana and Jaeger, and a GPU worker on demand', () => {
  expect(services.filter(([, { profiles }]) => profiles === undefined).map(([name]) => name)).toEqual([
    'api',
    'worker',
    'redis',
    'prometheus',
    'grafana',
    'jaeger',
  ]);
  expect(named('worker-gpu')).toMatchObject({
    profiles: ['gpu'],
    shm_size: '1g',
    build: { args: { DEVICE: 'gpu' } },
    deploy: { resources: { reservations: { devices: [{ driver: 'nvidia', capabilities: ['gpu'] }] } } },
  });
});

describe.each(services)('%s', (_name, service) => {
  test('publishes on loopback alone', () => {
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  test('cannot change its root file system, gain rights or run as root', () => {
    expect(service.read_only).toBe(true);
    expect(service.tmpfs).toContainEqual(expect.stringMatching(/^\/tmp\b/));
    expect(service.cap_drop).toEqual(['ALL']);
    expect(service.cap_add ?? []).toEqual([]);
    expect(service.privileged ?? false).toBe(false);
    expect(service.security_opt).toContain('no-new-privileges:true');
    expect(service.user ?? '').toMatch(/^(?!root$|0(:|$))\w+/);
  });

  test('has limits of memory and processes, and never swaps', () => {
    const { memory, pids } = service.deploy.resources.limits;
    expect([memory, pids]).toEqual([expect.stringMatching(/^\d+[mg]$/), expect.any(Number)]);
    expect(service.memswap_limit).toBe(memory);
  });

  test('is pinned to a version', () => {
    expect(service.image).toMatch(/:v?\d+\.\d+\.\d+(@sha256:\w{64})?$/);
  });

  test('uses volumes and networks that are declared', () => {
    for (const volume of service.volumes ?? []) {
      const [source = ''] = volume.split(':');
      if (!source.startsWith('./')) expect(Object.keys(compose.volumes)).toContain(source);
      else expect(volume).toMatch(/:ro$/);
    }
    const networks = Array.isArray(service.networks) ? service.networks : Object.keys(service.networks ?? {});
    for (const network of networks) expect(['default', ...Object.keys(compose.networks)]).toContain(network);
  });

  test('waits for what it needs to be healthy', () => {
    for (const [needed, { condition }] of Object.entries(service.depends_on ?? {})) {
      expect(condition).toBe('service_healthy');
      expect(named(needed).healthcheck).toBeDefined();
    }
  });
});

test('API and workers may use all CPUs, and the API goes first', () => {
  for (const name of ['api', 'worker', 'worker-gpu']) {
    expect(named(name)).toMatchObject({ cpuset: '', cpu_shares: expect.any(Number) });
    expect(named(name).deploy.resources.limits.cpus).toBeUndefined();
  }
  for (const worker of ['worker', 'worker-gpu']) {
    expect(named('api').cpu_shares).toBeGreaterThan(2 * (named(worker).cpu_shares ?? 0));
  }
});

test('each image is built once', () => {
  const built = services.filter(([, { build }]) => build !== undefined);
  expect(built.map(([, { image }]) => image)).toEqual([...new Set(built.map(([, { image }]) => image))]);
  expect(named('worker')).toMatchObject({ image: named('api').image });
});

test('workers can be scaled: no name, no published port, and one name for Prometheus to find all of them', () => {
  for (const worker of [named('worker'), named('worker-gpu')]) {
    expect(worker.container_name).toBeUndefined();
    expect(worker.ports).toBeUndefined();
  }
  expect(named('worker-gpu').networks).toMatchObject({ default: { aliases: ['worker'] } });
});

test('API and workers have more time to stop than they take to drain', () => {
  for (const name of ['api', 'worker', 'worker-gpu']) {
    expect(Number.parseInt(named(name).stop_grace_period ?? '', 10) * 1000).toBeGreaterThan(drainMs);
  }
});

test('nothing but API and workers reaches Redis', () => {
  expect(compose.networks['queue']).toEqual({ internal: true });
  expect(named('redis')).toMatchObject({ networks: ['queue'] });
  const onQueue = services.filter(([, { networks = [] }]) =>
    (Array.isArray(networks) ? networks : Object.keys(networks)).includes('queue'),
  );
  expect(onQueue.map(([name]) => name)).toEqual(['api', 'worker', 'worker-gpu', 'redis']);
});

test('the API goes by the name that other containers have for it', () => {
  expect(readConfig(named('api').environment).allowedHosts).toContain('api:8000');
});

test('every setting it makes is one that there is', () => {
  // Read by the SDKs of stores and of OpenTelemetry.
  const ofTheSdk = ['AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'];
  const known = [
    ...ofTheSdk,
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    ...Object.values(settings).map(({ env }) => env as string),
  ];
  for (const name of ['api', 'worker', 'worker-gpu']) {
    const set = Object.keys(named(name).environment ?? {});
    expect(set.filter((variable) => !known.includes(variable))).toEqual([]);
    // Temporary credentials are invalid without their token.
    expect(set).toEqual(expect.arrayContaining(ofTheSdk));
  }
});

test('Redis writes through and forgets nothing, and may grow to half of its memory limit', () => {
  const conf = readFileSync(join(root, 'deploy/redis/redis.conf'), 'utf8');
  for (const line of ['appendonly yes', 'appendfsync always', 'maxmemory-policy noeviction', 'maxmemory 1gb']) {
    expect(conf.split('\n')).toContain(line);
  }
  expect(named('redis').deploy.resources.limits.memory).toBe('2g');
  expect(named('redis').volumes).toContain('./deploy/redis/redis.conf:/etc/redis.conf:ro');
});

test('Redis has a password, which no command line shows, and is healthy only after it has loaded its file', () => {
  const { command, environment, healthcheck } = named('redis') as Service & { healthcheck: object };
  const [shell, flag, script = ''] = command ?? [];
  const password = environment?.['REDISCLI_AUTH'] ?? '';
  expect(password).not.toBe('');
  expect(named('api').environment?.['REDIS_URL']).toBe(`redis://:${password}@redis:6379`);
  expect(healthcheck).toMatchObject({ test: ['CMD', 'redis-cli', '-e', 'ping'] });

  // The script with a program in Redis' place, which shows its arguments and its configuration.
  const directory = mkdtempSync(join(tmpdir(), 'vls-compose-'));
  try {
    writeFileSync(join(directory, 'redis-server'), '#!/bin/sh\necho "$@"\ncat\n', { mode: 0o755 });
    const local = script.replace('/etc/redis.conf', join(root, 'deploy/redis/redis.conf'));
    const { stdout } = spawnSync(shell ?? '', [flag ?? '', local], {
      encoding: 'utf8',
      env: { PATH: `${directory}:${process.env['PATH']}`, REDISCLI_AUTH: password },
    });
    const [args, ...conf] = stdout.trim().split('\n');
    expect(args).toBe('-');
    expect(conf).toContain('appendfsync always');
    expect(conf.at(-1)).toBe(`requirepass ${password}`);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

const redisCli = findProgram('redis-cli');
if (redisCli === undefined)
  console.log('Skipped: the health check of Redis is not run, as redis-cli is not on the PATH.');

test.skipIf(redisCli === undefined).each([
  { state: 'loads its file', answer: '-LOADING Redis is loading the dataset in memory\r\n', status: 1 },
  { state: 'is ready', answer: '+PONG\r\n', status: 0 },
])('the health check of Redis ends with $status while Redis $state', async ({ answer, status }) => {
  const server = createServer((socket) => socket.on('data', () => socket.write(answer)).on('error', () => {}));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    const [, , ...args] = named('redis').healthcheck?.test ?? [];
    const { port } = server.address() as AddressInfo;
    const child = spawn(redisCli ?? '', ['-p', String(port), ...args], { stdio: 'ignore' });
    expect((await once(child, 'exit'))[0]).toBe(status);
  } finally {
    server.close();
  }
});

test('API and Prometheus read one token, from a secret that is a file, and no variable has it', () => {
  const [prometheus] = readYaml<{
    scrape_configs: { job_name: string; authorization?: { credentials_file: string } }[];
  }>('deploy/prometheus/prometheus.yml');
  const api = prometheus?.scrape_configs.find(({ job_name }) => job_name === 'api');
  expect(api?.authorization).toEqual({ credentials_file: '/run/secrets/metrics-token' });
  expect(services.filter(([, { secrets }]) => secrets !== undefined).map(([name]) => name)).toEqual([
    'api',
    'prometheus',
  ]);
  expect(named('prometheus').secrets).toEqual(['metrics-token']);
  expect(readConfig(named('api').environment).metricsTokenFile).toBe('/run/secrets/metrics-token');
  for (const [, { environment }] of services) expect(environment ?? {}).not.toHaveProperty('METRICS_TOKEN');

  const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
  expect(text).toMatch(/file: \$\{METRICS_TOKEN_FILE:-\.\/deploy\/prometheus\/no-token\}/);
  expect(readFileSync(join(root, 'deploy/prometheus/no-token'), 'utf8')).toBe('');
  // A token in .env alone would leave Prometheus at 401: compose refuses it.
  expect(text).toMatch(/^x-check: \$\{METRICS_TOKEN:\+\$\{METRICS_TOKEN_FILE:\?.+\}\}$/m);
});

test('Prometheus scrapes the API and every worker, and takes its rules from where compose puts dashboards/', () => {
  const [prometheus] = readYaml<{
    rule_files: string[];
    scrape_configs: { metrics_path: string; dns_sd_configs: { names: string[]; type: string; port: number }[] }[];
  }>('deploy/prometheus/prometheus.yml');
  const targets = prometheus?.scrape_configs.flatMap(({ metrics_path, dns_sd_configs }) =>
    dns_sd_configs.map(({ names, type, port }) => ({ names, type, port, path: metrics_path })),
  );
  expect(targets).toEqual([
    { names: ['api'], type: 'A', port: 8000, path: '/evaluator/metrics' },
    { names: ['worker'], type: 'A', port: 9100, path: '/metrics' },
  ]);
  expect(named('prometheus').volumes).toContain('./dashboards:/etc/dashboards:ro');
  expect(prometheus?.rule_files).toEqual(['/etc/dashboards/*.rules.yml']);
});

test('Grafana shows the dashboards to users of this machine without a login, and queries the named services', () => {
  expect(named('grafana').environment).toMatchObject({
    GF_AUTH_ANONYMOUS_ENABLED: 'true',
    GF_AUTH_ANONYMOUS_ORG_ROLE: 'Viewer',
    GF_AUTH_BASIC_ENABLED: 'false',
    GF_AUTH_DISABLE_LOGIN_FORM: 'true',
  });
  const [sources] = readYaml<{ datasources: { uid: string; url: string }[] }>(
    'deploy/grafana/provisioning/datasources/datasources.yml',
  );
  for (const { url } of sources?.datasources ?? [])
    expect(Object.keys(compose.services)).toContain(new URL(url).hostname);
  const [dashboards] = readYaml<{ providers: { options: { path: string } }[] }>(
    'deploy/grafana/provisioning/dashboards/dashboards.yml',
  );
  expect(dashboards?.providers.map(({ options }) => options.path)).toEqual(['/etc/dashboards']);
  expect(named('grafana').volumes).toContain('./dashboards:/etc/dashboards:ro');
  // Grafana reports an error at each start for a folder of provisioning/ that is not there.
  for (const folder of ['plugins', 'alerting', 'datasources', 'dashboards']) {
    expect([folder, existsSync(join(root, 'deploy/grafana/provisioning', folder))]).toEqual([folder, true]);
  }
});
