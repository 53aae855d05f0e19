import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { freePort } from '../../testing/free-port.ts';
import { until } from '../../testing/until.ts';

const onPath = (name: string): string | undefined =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find((path) => existsSync(path));

/** Debian and Ubuntu have both in the package `prometheus`. */
export const prometheusPath = onPath('prometheus');
export const promtoolPath = onPath('promtool');

const dashboards = fileURLToPath(new URL('../../dashboards/', import.meta.url));

/** `promtool` in the directory of the rules: whether it was content, and what it said. */
export function promtool(...words: string[]): { ok: boolean; output: string } {
  const { status, stdout, stderr } = spawnSync(promtoolPath ?? 'promtool', words, {
    cwd: dashboards,
    encoding: 'utf8',
  });
  return { ok: status === 0, output: stdout + stderr };
}

export interface Rule {
  name: string;
  query: string;
  type: 'recording' | 'alerting';
  health: 'ok' | 'err' | 'unknown';
  lastError?: string;
  state?: 'inactive' | 'pending' | 'firing';
}

/** A Prometheus of a test's own, with the rules of this repository, that scrapes twice a second. */
export interface Prometheus {
  /** How many series a query has at this moment. @throws {Error} when Prometheus refuses it. */
  count(query: string): Promise<number>;
  rules(): Promise<Rule[]>;
  stop(): Promise<void>;
}

/** @param targets host:port and path of what is scraped, by job. */
export async function startPrometheus(
  targets: Record<string, { authority: string; path: string }>,
): Promise<Prometheus> {
  const directory = await mkdtemp(join(tmpdir(), 'vls-prometheus-'));
  const port = await freePort();
  const config = {
    global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '500ms' },
    rule_files: [join(dashboards, '*.rules.yml')],
    scrape_configs: Object.entries(targets).map(([job, { authority, path }]) => ({
      job_name: job,
      metrics_path: path,
      static_configs: [{ targets: [authority] }],
    })),
  };
  const configFile = join(directory, 'prometheus.yml');
  await writeFile(configFile, stringify(config));
  const server: ChildProcess = spawn(
    prometheusPath ?? 'prometheus',
    [
      `--config.file=${configFile}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  server.stderr?.on('data', (data: Buffer) => (log += data));
  const base = `http://127.0.0.1:${port}`;
  await until(async () => server.exitCode !== null || (await fetch(`${base}/-/ready`)).ok);
  if (server.exitCode !== null) throw new Error(`Prometheus did not start:\n${log}`);

  async function ask<Data>(path: string): Promise<Data> {
    const response = await fetch(`${base}/api/v1/${path}`);
    const { status, data, error } = (await response.json()) as { status: string; data: Data; error?: string };
    if (status !== 'success') throw new Error(`${path}: ${error}`);
    return data;
  }
  return {
    async count(query) {
      const { result } = await ask<{ result: unknown[] }>(`query?query=${encodeURIComponent(query)}`);
      return result.length;
    },
    async rules() {
      const { groups } = await ask<{ groups: { rules: Rule[] }[] }>('rules');
      return groups.flatMap(({ rules }) => rules);
    },
    async stop() {
      const ended = once(server, 'exit');
      server.kill('SIGTERM');
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}
