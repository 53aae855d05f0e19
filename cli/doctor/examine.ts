import { existsSync } from 'node:fs';
import { access, constants, statfs } from 'node:fs/promises';
import { cpus } from 'node:os';
import { dirname, resolve } from 'node:path';
import { createDurability } from '../../batches/store/durability.ts';
import { chooseDevice, DeviceError, probeAccelerators } from '../../models/device/device.ts';
import { describeCudaParts, findCudaParts } from '../../models/device/libraries.ts';
import { shapeOf, thisMachine } from '../../models/pool/shape.ts';
import { networkChecks } from '../../models/pulling/network-fault.ts';
import { PullError } from '../../models/pulling/pull-error.ts';
import { type HubEntry, isHubEntry, readEntries } from '../../models/registry/entries.ts';
import { precisionsIn } from '../../models/registry/folder.ts';
import { filesOf } from '../../models/registry/layouts.ts';
import { defaultPrecision } from '../../models/registry/precision.ts';
import { loadRegistry } from '../../models/registry/registry.ts';
import { readStagedPull } from '../../models/registry/staged-pull.ts';
import { called } from '../../shared/called.ts';
import { type Config, defaultServiceUrl } from '../../shared/config.ts';
import { prefix } from '../../shared/contracts/paths.ts';
import { createLogger } from '../../shared/log.ts';
import { findMisspeltSettings } from '../../shared/misspelt-settings.ts';
import { infoField, serverOf, versionOf as versionOfServer } from '../../shared/redis/info.ts';
import { askMasters } from '../../shared/redis/masters.ts';
import { explain } from '../../shared/redis/reason.ts';
import { parseRedisUrl } from '../../shared/redis/url.ts';
import { connectRedis, whenConnected } from '../../shared/redis.ts';
import { findRedisServer } from '../../start/redis/find.ts';
import { isRecentEnough, OLDEST_REDIS, versionOf } from '../../start/redis/version.ts';
import { findRunningService } from '../../start/running-service.ts';
import { describeRoute, openHub } from '../hub.ts';

export interface Finding {
  subject: string;
  /** `fail`: the service cannot work. `warn`: it works with a drawback. `none`: an optional part is absent. */
  state: 'ok' | 'none' | 'warn' | 'fail';
  detail: string;
  /** The action that resolves a warning or a failure. */
  remedy?: string;
}

const gibibytes = (bytes: number) => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
const redisWaitMs = 3_000;
const oldestNode = 24;
const littleDisk = 5 * 1024 ** 3;
const littleMemory = 1024 ** 3;

/** Runs all checks one after another. A check that throws counts as failed. */
export async function examine(config: Config): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const check of [machine, misspelt, disk, redis, devices, models, hub, service]) {
    try {
      findings.push(...(await check(config)));
    } catch (error) {
      findings.push({ subject: check.name, state: 'fail', detail: (error as Error).message });
    }
  }
  return findings;
}

function machine(): Finding[] {
  const { cpus: usable, memoryBytes } = thisMachine();
  const node = Number(process.versions.node.split('.')[0]);
  return [
    {
      subject: 'Node.js',
      state: node >= oldestNode ? 'ok' : 'fail',
      detail: process.version,
      ...(node < oldestNode && { remedy: `run \`${called}\`, which brings Node.js ${oldestNode}` }),
    },
    {
      subject: 'processors',
      state: 'ok',
      detail: `${usable} usable of ${cpus().length} (${cpus()[0]?.model.trim() ?? 'unknown'})`,
    },
    {
      subject: 'memory',
      state: memoryBytes < littleMemory ? 'warn' : 'ok',
      detail: `${gibibytes(memoryBytes)} usable`,
      ...(memoryBytes < littleMemory && { remedy: 'give the process more memory: a model takes at least 0.3 GiB' }),
    },
  ];
}

function misspelt(): Finding[] {
  return findMisspeltSettings().map(({ fault, remedy }) => ({
    subject: 'settings',
    state: 'warn',
    detail: fault,
    remedy,
  }));
}

async function disk({ dataDir }: Config): Promise<Finding[]> {
  // The data directory is not created here. If it does not exist, its nearest existing parent is checked.
  const parent = nearestExisting(dataDir);
  await access(parent, constants.W_OK);
  const { bavail, bsize } = await statfs(parent);
  const free = bavail * bsize;
  return [
    {
      subject: 'data directory',
      state: free < littleDisk ? 'warn' : 'ok',
      detail: `${dataDir}${parent === resolve(dataDir) ? '' : ' (the first start creates it)'}, ${gibibytes(free)} free`,
      ...(free < littleDisk && { remedy: 'ViT-L-14 takes 1.7 GB, and Redis stores batches on disk' }),
    },
  ];
}

function nearestExisting(path: string): string {
  const full = resolve(path);
  return existsSync(full) || dirname(full) === full ? full : nearestExisting(dirname(full));
}

async function redis(config: Config): Promise<Finding[]> {
  const { redisUrl } = config;
  if (redisUrl === undefined) return [await redisProgram()];
  const log = await createLogger({ name: 'vls-doctor', level: 'silent' });
  const connection = connectRedis(redisUrl, 'producer', log, config);
  let lastError = new Error('it does not answer in time');
  connection.on('error', (error: Error) => {
    lastError = error;
  });
  try {
    if (!(await whenConnected(connection, redisWaitMs))) {
      const reason = await explain(lastError, parseRedisUrl(redisUrl), config);
      const remedy = `start Redis, or correct REDIS_URL; without REDIS_URL, \`${called} start\` runs its own Redis`;
      return [{ subject: 'Redis', state: 'fail', detail: `does not answer at REDIS_URL (${reason})`, remedy }];
    }
    const infos = await askMasters(connection, (master) => master.info());
    const values = (name: string) => [...new Set(infos.map((info) => infoField(info, name) ?? 'unknown'))];
    const versions = [...new Set(infos.map((info) => versionOfServer(info) ?? 'unknown'))];
    const servers = [...new Set(infos.map(serverOf))].filter((name) => name !== 'Redis');
    const isRecent = versions.every(isRecentEnough);
    const policies = values('maxmemory_policy');
    const evicts = policies.some((policy) => policy !== 'noeviction');
    const level = await createDurability(connection, log).level();
    return [
      {
        subject: 'Redis',
        state: isRecent ? 'ok' : 'fail',
        detail: `${[...servers, ''].join(' ')}${versions.join(', ')}${infos.length > 1 ? `, a cluster of ${infos.length} masters` : ''}`,
        ...(!isRecent && { remedy: `${OLDEST_REDIS} or later is needed` }),
      },
      {
        subject: 'Redis durability',
        state: level === 'always' ? 'ok' : 'warn',
        detail: level,
        ...(level !== 'always' && {
          remedy: 'set appendonly yes and appendfsync always in Redis, so that a crash loses no work',
        }),
      },
      {
        subject: 'Redis eviction',
        state: evicts ? 'fail' : 'ok',
        detail: policies.join(', '),
        ...(evicts && { remedy: 'set maxmemory-policy noeviction: other policies lose batches' }),
      },
    ];
  } finally {
    connection.disconnect();
  }
}

async function redisProgram(): Promise<Finding> {
  const program = findRedisServer();
  const subject = 'Redis';
  if (program === undefined) {
    return {
      subject,
      state: 'warn',
      detail: 'no redis-server or valkey-server on the PATH',
      remedy: `\`${called} start\` tries to install one or to run it in Docker; or set REDIS_URL`,
    };
  }
  const version = await versionOf(program);
  const state = isRecentEnough(version) ? 'ok' : 'fail';
  return { subject, state, detail: `${program} ${version}, run by \`${called} start\`` };
}

async function devices(config: Config): Promise<Finding[]> {
  const missing = config.deviceFallback ? 'warn' : 'fail';
  const accelerators = (await probeAccelerators()).map(
    ({ provider, fault }): Finding => ({
      subject: `device ${provider}`,
      state: fault === null ? 'ok' : provider === config.device ? missing : 'none',
      detail: [fault ?? 'works', ...(provider === 'cuda' ? cudaParts() : [])].join('; '),
    }),
  );
  return [...accelerators, await deviceUsed(config)];
}

/** Describes the versions of the NVIDIA driver, CUDA and cuDNN; empty without NVIDIA software. */
function cudaParts(): string[] {
  if (process.platform !== 'linux') return [];
  const parts = findCudaParts();
  return parts.driver === null && parts.needed === null ? [] : [describeCudaParts(parts)];
}

async function deviceUsed(config: Config): Promise<Finding> {
  const subject = 'device used';
  try {
    const { provider, reason, faults } = await chooseDevice(config);
    return { subject, state: 'ok', detail: `${provider}: ${reason}${faults === undefined ? '' : ` (${faults})`}` };
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    return {
      subject,
      state: 'fail',
      detail: `no device can be used, so the service would not start: ${error.message}`,
    };
  }
}

async function models(config: Config): Promise<Finding[]> {
  const device = await chooseDevice({ ...config, deviceFallback: true });
  const registry = await loadRegistry(config, { ...config, device });
  const on = { provider: device.provider, devices: device.count };
  return (await registry.list()).map(({ model, profiles, isDefault, spec }): Finding => {
    const subject = `model ${profiles[0] ?? model}`;
    if (spec instanceof Error) return { subject, state: isDefault ? 'fail' : 'none', detail: spec.message };
    const configured = { encoders: config.encoders };
    const { encoders, threads } = shapeOf(thisMachine(), spec, configured, on);
    const shape = `${encoders} encoder${encoders > 1 ? 's' : ''} with ${threads} thread${threads > 1 ? 's' : ''} each`;
    return { subject, state: 'ok', detail: `${spec.model} ${spec.revision}, ${spec.precision}, ${shape}` };
  });
}

const hubWaitMs = 5_000;

/**
 * Checks whether models can be downloaded, and lists those present. An unreachable hub is not a failure, because the
 * service works without it.
 */
async function hub(config: Config): Promise<Finding[]> {
  const subject = 'model hub';
  const { models: entries } = await readEntries(config);
  const fromHub = [...entries.values()].filter(isHubEntry);
  const [first] = fromHub;
  if (first === undefined) return [{ subject, state: 'none', detail: 'the registry has no model from a hub' }];
  const pulled = await Promise.all(fromHub.map(describePulled));
  const here = `pulled: ${pulled.filter((text) => text !== undefined).join(', ') || 'none'}`;
  const way = describeRoute(config);
  try {
    const { name, facts } = await openHub(config);
    const [file] = filesOf(first.source, defaultPrecision(first));
    if (file !== undefined) await facts(file, AbortSignal.timeout(hubWaitMs));
    return [{ subject, state: 'ok', detail: `${name} answers, ${way}; ${here}` }];
  } catch (error) {
    const { message, advice } = error as Error & { advice?: string };
    // The full advice would name this command.
    const known = error instanceof PullError && error.code === 'network' ? networkChecks : advice;
    const remedy = known ?? 'correct the settings for the hub, such as HF_ENDPOINT';
    return [{ subject, state: 'none', detail: `not reachable, ${way}: ${message}; ${here}`, remedy }];
  }
}

async function describePulled({ model, directory }: HubEntry): Promise<string | undefined> {
  const [precisions, begun] = await Promise.all([precisionsIn(directory), readStagedPull(directory)]);
  const parts = [...precisions, ...(begun === undefined ? [] : [`pull ${begun.state}`])];
  return parts.length === 0 ? undefined : `${model} (${parts.join(', ')})`;
}

/** Checks the service at VLS_URL, or at the address where `npm start` would listen with these settings. */
async function service({ host, port, serviceUrl, dataDir }: Config): Promise<Finding[]> {
  const isNamed = serviceUrl !== defaultServiceUrl;
  const base = isNamed ? serviceUrl : `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const url = `${base}${prefix}/health`;
  const subject = 'service';
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(redisWaitMs) });
    const { status, settings = [] } = (await response.json()) as { status?: string; settings?: string[] };
    const state = status === 'ok' ? 'ok' : 'warn';
    const remedy =
      'give the API and the workers of one service the same settings, and each service its own REDIS_PREFIX';
    return [
      { subject, state, detail: `${url} answers ${status ?? `HTTP ${response.status}`}` },
      ...settings.map((detail): Finding => ({ subject: 'settings', state: 'fail', detail, remedy })),
    ];
  } catch {
    const own = isNamed ? undefined : findRunningService(dataDir);
    if (own !== undefined && own !== base) {
      const detail = `nothing answers at ${url}; the service of this directory answers at ${own}`;
      return [{ subject, state: 'warn', detail, remedy: `set VLS_URL or --url to ${own}` }];
    }
    const remedy = isNamed ? 'start the service there, or correct VLS_URL' : `start it with \`${called} start\``;
    return [{ subject, state: isNamed ? 'warn' : 'none', detail: `nothing answers at ${url}`, remedy }];
  }
}
