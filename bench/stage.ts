import { createTowerBench } from './stages.ts';

/** One process of a stage that all cores run alone: `node bench/stage.ts decode|vision|text SECONDS MODEL`. */
const [stage = 'decode', seconds = '5', model] = process.argv.slice(2);
const bench = await createTowerBench(model);
const step = bench[stage as keyof typeof bench];
// Warm first: the first runs allocate.
for (let run = 0; run < 3; run++) await step();
process.send?.({ type: 'ready' });
process.once('message', async () => {
  const until = performance.now() + Number(seconds) * 1000;
  const start = performance.now();
  let done = 0;
  while (performance.now() < until) done += await step();
  process.send?.({ type: 'done', perSecond: (done / (performance.now() - start)) * 1000 });
  process.disconnect();
});
