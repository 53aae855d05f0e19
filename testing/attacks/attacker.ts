import { randomFrom } from '../mutations.ts';
import { attacks } from './all.ts';
import { type Battlefield, createHostile } from './hostile.ts';

/**
 * The process of one attack: `node testing/attacks/attacker.ts NAME SEED BATTLEFIELD`. Any IPC message stops it. It
 * then deletes its batches and sends the number of responses by HTTP status.
 */
const [name, seed, field = '{}'] = process.argv.slice(2);
const attack = attacks.find((one) => one.name === name);
if (attack === undefined) throw new Error(`There is no attack ${name}`);
const controller = new AbortController();
const { hostile, counts, cleanUp } = createHostile(
  JSON.parse(field) as Battlefield,
  controller.signal,
  randomFrom(Number(seed)),
);
process.once('message', async () => {
  controller.abort();
  await done;
  await cleanUp();
  process.send?.(counts);
});
process.on('disconnect', () => process.exit(0));
process.send?.('begun');
const done = attack.run(hostile).catch((error: Error) => {
  // An unprinted bug in the attack would look as if the service had withstood it.
  if (!controller.signal.aborted) process.stderr.write(`${name}: ${error.stack}\n`);
});
