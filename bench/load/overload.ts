import { endOnSignals, print, readWords } from '../../testing/command.ts';
import { readPhoto } from '../../testing/images/host.ts';
import { durationsOf, generateLoad } from '../../testing/load/generator.ts';
import { install } from '../../testing/processes/installation.ts';
import { residentMiBOf } from '../../testing/processes/usage.ts';
import { median, percentile } from '../../testing/statistics.ts';
import { until } from '../../testing/until.ts';

/**
 * Measures single requests at ten times the rate that the machine can answer. Images are inline, texts unique, caches
 * off. The load generator shares the cores with the service.
 */
const usage = 'npm run bench:overload -- [seconds] [times], by default 60 and 10';
const { positionals } = readWords(usage, []);
endOnSignals();
const [seconds = 60, times = 10] = positionals.map(Number);
const ms = (value: number, digits = 0) => `${value.toFixed(digits)} ms`;

const installation = await install();
const { client, processes } = installation;
const photo = readPhoto('coffee.jpg');
let number = 0;
/**
 * Sends a new image, since equal images in flight would be embedded only once. Decoders ignore the number after the end
 * of the JPEG.
 */
async function single(): Promise<number> {
  const image = Buffer.concat([photo, Buffer.from(String(number))]).toString('base64');
  return (await client.single({ image, text: `a cup of coffee number ${number++}` })).status;
}
const load = (duration: number, atOnce: number, perSecond?: number) =>
  generateLoad(single, { atOnce, perSecond, signal: AbortSignal.timeout(1000 * duration) });

for (let warm = 0; warm < 40; warm++) await single();
print(`service    ${processes[0].url}`);

// The capacity: the highest rate of responses over several numbers of connections, each with one request in flight.
let capacity = 0;
let calm = 0;
for (const connections of [1, 2, 4, 8, 16]) {
  const answered = durationsOf(await load(8, connections), 200);
  const rate = answered.length / 8;
  const p95 = percentile(answered, 0.95);
  print(`carried    ${rate.toFixed(1)}/s over ${connections} connections, p50 ${ms(median(answered))}, p95 ${ms(p95)}`);
  if (rate > capacity) [capacity, calm] = [rate, p95];
}

const memory = () => residentMiBOf(processes[0].pid);
let halfway = 0;
setTimeout(() => {
  halfway = memory();
}, seconds * 500);
const answers = await load(seconds, 200, Math.round(times * capacity));
const accepted = durationsOf(answers, 200);
const refused = durationsOf(answers, 503);
const strained = percentile(accepted, 0.95);
const sent = durationsOf(answers).length;
print(`offered    ${(sent / seconds).toFixed(0)}/s for ${seconds} s (target: ${times} x the capacity)`);
print(
  `accepted   ${(accepted.length / seconds).toFixed(1)}/s, p50 ${ms(median(accepted))}, p95 ${ms(strained)}: ${(strained / calm).toFixed(2)} x the p95 without overload`,
);
print(
  `refused    ${(refused.length / seconds).toFixed(0)}/s, p50 ${ms(median(refused), 1)}, p95 ${ms(percentile(refused, 0.95), 1)}`,
);
const others = [...answers].filter(([outcome]) => outcome !== 200 && outcome !== 503);
if (others.length > 0)
  print(`others     ${others.map(([outcome, { length }]) => `${length} x ${outcome}`).join(', ')}`);

const stoppedAt = performance.now();
await until(async () => {
  const askedAt = performance.now();
  return (await single()) === 200 && performance.now() - askedAt <= calm;
});
print(`recovered  ${((performance.now() - stoppedAt) / 1000).toFixed(2)} s after the load`);
print(`memory     ${halfway.toFixed(0)} MiB halfway, ${memory().toFixed(0)} MiB after`);
await installation.close();
