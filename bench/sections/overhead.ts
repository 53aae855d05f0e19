import { install } from '../../testing/processes/installation.ts';
import { childrenOf } from '../../testing/processes/tree.ts';
import { meterCpu } from '../../testing/processes/usage.ts';
import { readable } from '../../testing/readable.ts';
import { median } from '../../testing/statistics.ts';
import { type Figure, figure, most } from '../figures.ts';
import { measureRoofline } from '../measure/roofline.ts';
import { benchModels } from '../models.ts';

const { name: model, items, stageSeconds } = benchModels.tiny;

/**
 * Measures the CPU time per pair outside decoder and model, a large part with this tiny model. Decoder and model are
 * measured before each batch, because the machine's speed may drift.
 */
export async function benchOverhead(
  quick: boolean,
  env: Record<string, string>,
  say: (line: string) => void,
): Promise<Figure[]> {
  const rounds = quick ? 2 : 5;
  const pairs = quick ? items.quick : items.full;
  const installation = await install({ env: { ...env, MODEL: model, MICRO_BATCH: '8' } });
  const { images, processes, redis } = installation;
  const [{ pid }] = processes;
  const found: { outside: number; stages: number; parts: Record<string, number> }[] = [];
  try {
    await installation.batch(Math.ceil(pairs / 10));
    for (let round = 0; round < rounds; round++) {
      say(`overhead: ${round + 1} of ${rounds}`);
      const { cpuMs: stages } = await measureRoofline(model, stageSeconds[quick ? 'quick' : 'full'], env);
      const meter = meterCpu({
        images: images.map((server) => server.pid),
        redis: [redis.pid()],
        service: [pid],
        encoders: childrenOf(pid),
      });
      await installation.batch(pairs);
      const { cpu } = meter.stop();
      const of = (part: string) => (1000 * (cpu[part] ?? 0)) / pairs;
      const parts = { service: of('service'), encoders: of('encoders') - stages, redis: of('redis') };
      found.push({ outside: parts.service + parts.encoders + parts.redis, stages, parts });
    }
  } finally {
    await installation.close();
  }
  const middle = (value: (one: (typeof found)[number]) => number) => median(found.map(value));
  const part = (name: string) => `${name} ${readable(middle(({ parts }) => parts[name] ?? 0))}`;
  return [
    figure(
      'overhead/cpu-ms',
      'CPU time per pair outside the image decoder and the models',
      middle(({ outside }) => outside),
      'ms',
      `${['service', 'encoders', 'redis'].map(part).join(', ')}; decoder and models ${readable(middle(({ stages }) => stages))}`,
      most(0.6),
    ),
  ];
}
