import { until } from '../../testing/until.ts';
import { type Report, same } from './report.ts';
import type { Stack } from './stack.ts';

interface Target {
  labels: { job: string; instance: string };
  health: string;
  lastError: string;
}

async function ask<Data>(url: string): Promise<Data> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} answers ${answer.status}`);
  return ((await answer.json()) as { data: Data }).data;
}

/** Checks that Prometheus scrapes the API with its token and each of `workers` workers, and that its rules work. */
export async function checkPrometheus(report: Report, stack: Stack, workers: number, when = ''): Promise<void> {
  const base = `${stack.address('prometheus')}/api/v1`;
  await report.check(`Prometheus scrapes the API, which requires keys, and ${workers} workers${when}`, () =>
    until(
      async () => {
        const { activeTargets } = await ask<{ activeTargets: Target[] }>(`${base}/targets?state=active`);
        const healthOf = (job: string) =>
          activeTargets.filter(({ labels }) => labels.job === job).map(({ health }) => health);
        const faults = activeTargets.map(({ lastError }) => lastError).filter((error) => error !== '');
        same(
          [healthOf('api'), healthOf('worker'), faults],
          [['up'], Array(workers).fill('up'), []],
          'the state of the targets',
        );
        return `${activeTargets.length} targets`;
      },
      { everyMs: 2_000, withinMs: 120_000 },
    ),
  );
  await report.check(`it evaluates every rule without an error${when}`, () =>
    until(
      async () => {
        const { groups } = await ask<{ groups: { rules: { name: string; health: string; lastError?: string }[] }[] }>(
          `${base}/rules`,
        );
        const rules = groups.flatMap((group) => group.rules);
        same(rules.length > 0, true, 'the presence of rules');
        for (const { name, health, lastError } of rules) same([health, lastError ?? ''], ['ok', ''], `rule ${name}`);
        return `${rules.length} rules`;
      },
      { everyMs: 2_000, withinMs: 120_000 },
    ),
  );
}

interface Trace {
  spans: { operationName: string; processID: string }[];
  processes: Record<string, { serviceName: string }>;
}

/** Checks that Jaeger has one trace of a batch, with spans of the API and of a worker. */
export async function checkTraces(report: Report, stack: Stack, id: string): Promise<void> {
  await report.check('Jaeger has one trace of a batch, over API and worker', async () => {
    const { body } = await stack.client.batch.status(id);
    const { traceId } = body as unknown as { traceId: string };
    return await until(
      async () => {
        const [trace] = await ask<Trace[]>(`${stack.address('jaeger')}/api/traces/${traceId}`);
        const services = new Set(Object.values(trace?.processes ?? {}).map(({ serviceName }) => serviceName));
        same([...services].sort(), ['vls-api', 'vls-worker'], 'the list of services');
        return `${trace?.spans.length} spans`;
      },
      { everyMs: 1_000, withinMs: 60_000 },
    );
  });
}

/** Checks that Grafana has every dashboard and reaches its data sources. */
export async function checkGrafana(report: Report, stack: Stack, dashboards: number): Promise<void> {
  await report.check('Grafana shows every dashboard, and logs no error', async () => {
    const answer = await fetch(`${stack.address('grafana')}/api/search?type=dash-db`);
    same(((await answer.json()) as unknown[]).length, dashboards, 'the number of dashboards');
    const { stdout } = await stack.compose('logs', '--no-log-prefix', 'grafana');
    same(
      stdout.split('\n').filter((line) => /level=error/.test(line)),
      [],
      'the list of errors',
    );
  });
}
