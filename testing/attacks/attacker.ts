import { randomFrom } from '../mutations.ts';
import { attacks } from './all.ts';
import { type Battlefield, createHostile } from './hostile.ts';

/**
 * One attack: `node testing/attacks/attacker.ts NAME SEED BATTLEFIELD`. It begins at once; any message ends it, and is
 * answered with its counts when its batches are deleted.
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
  // An attack that fails by itself would look like a service that holds.
  if (!controller.signal.aborted) process.stderr.write(`${name}: ${error.stack}\n`);
});
