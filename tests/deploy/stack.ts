import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createKey, entryOfKeyRecord } from '../../shared/api-keys.ts';
import { createClient } from '../../testing/client.ts';
import { freePort } from '../../testing/free-port.ts';
import { bearer } from '../../testing/key-file.ts';
import { runProgram } from './command.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The checked fields of `docker inspect`. */
export interface Container {
  Id: string;
  Name: string;
  RestartCount: number;
  State: { Status: string; Pid: number; ExitCode: number; Health?: { Status: string } };
  Config: { Image: string; User: string; Cmd: string[] | null; Labels: Record<string, string> };
  HostConfig: {
    ReadonlyRootfs: boolean;
    Memory: number;
    MemorySwap: number;
    PidsLimit: number | null;
    CapDrop: string[] | null;
    SecurityOpt: string[] | null;
    CpusetCpus: string;
    CpuShares: number;
  };
}

export const docker = (...args: string[]) => runProgram('docker', args);

export async function inspect(ids: string[]): Promise<Container[]> {
  if (ids.length === 0) return [];
  return JSON.parse((await docker('inspect', ...ids)).stdout) as Container[];
}

/** Creates a project of docker-compose.yml with a name, ports, keys and passwords of its own. Nothing of `.env` is read. */
export async function createStack(leftOut: string[]) {
  const directory = mkdtempSync(join(tmpdir(), 'vls-deploy-'));
  const project = `vls-check-${process.pid}`;
  const { key, id, hash } = createKey();
  const metricsToken = createKey().key;
  const [api, prometheus, grafana, jaeger] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const settings = join(directory, 'env');
  const tokenFile = join(directory, 'metrics-token');
  writeFileSync(tokenFile, metricsToken);
  const variables = {
    PORT: String(api),
    PROMETHEUS_PORT: String(prometheus),
    GRAFANA_PORT: String(grafana),
    JAEGER_PORT: String(jaeger),
    REDIS_PASSWORD: metricsToken.replaceAll(/\W|_/g, ''),
    METRICS_TOKEN_FILE: tokenFile,
    API_KEYS: entryOfKeyRecord({ id, hash, tenant: 'check', role: 'operator' }),
    ALLOW_ANONYMOUS: '0',
    ...(leftOut.includes('jaeger') && { OTEL_EXPORTER_OTLP_ENDPOINT: '' }),
  };
  writeFileSync(
    settings,
    Object.entries(variables)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  const own = ['api', 'worker'].map((name) => [name, `{ env_file: !override ['${settings}'] }`]);
  const never = leftOut.map((name) => [name, '{ profiles: [never] }']);
  const override = join(directory, 'override.yml');
  writeFileSync(override, `services:\n${[...own, ...never].map(([name, of]) => `  ${name}: ${of}\n`).join('')}`);

  const composeWith = (env: Record<string, string>, args: readonly string[]) =>
    runProgram(
      'docker',
      [
        'compose',
        '-p',
        project,
        '--env-file',
        settings,
        '-f',
        join(root, 'docker-compose.yml'),
        '-f',
        override,
        ...args,
      ],
      { COMPOSE_PROGRESS: 'plain', COMPOSE_FILE: '', COMPOSE_PROFILES: '', ...env },
    );
  const compose = (...args: string[]) => composeWith({}, args);

  return {
    project,
    compose,
    /** A directory of its own on this machine. */
    directory,
    /** Runs a command in a container, and writes its bytes into a file. */
    async save(file: string, service: string, ...command: string[]): Promise<void> {
      const { stdout } = await compose('ps', '-q', service);
      const child = spawn('docker', ['exec', stdout.trim(), ...command], { stdio: ['ignore', 'pipe', 'ignore'] });
      const ended = once(child, 'exit');
      await pipeline(child.stdout, createWriteStream(file));
      const [code] = await ended;
      if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}`);
    },
    address: (port: 'api' | 'prometheus' | 'grafana' | 'jaeger') =>
      `http://127.0.0.1:${{ api, prometheus, grafana, jaeger }[port]}`,
    /** A client with the key of an operator, and one without. */
    client: createClient(`http://127.0.0.1:${api}`, bearer(key), 'patient'),
    stranger: createClient(`http://127.0.0.1:${api}`),
    secrets: [metricsToken, variables.REDIS_PASSWORD],
    up: (...args: string[]) => compose('up', '-d', '--wait', '--wait-timeout', '300', ...args),
    /** Replaces the containers of services by containers of an image, and waits until they are healthy. */
    replace: (image: string, ...services: string[]) =>
      composeWith({ VLS_IMAGE: image }, ['up', '-d', '--no-build', '--wait', '--wait-timeout', '300', ...services]),
    async containers(...services: string[]): Promise<Container[]> {
      const { stdout } = await compose('ps', '-a', '-q', ...services);
      return inspect(stdout.split('\n').filter((line) => line !== ''));
    },
    /** Removes containers, networks and volumes. */
    async remove(): Promise<void> {
      await compose('down', '--volumes', '--remove-orphans', '--timeout', '60');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export type Stack = Awaited<ReturnType<typeof createStack>>;
