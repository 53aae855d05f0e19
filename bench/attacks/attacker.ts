import { randomFrom } from '../../tests/fuzz/mutations.ts';
import { attacks } from './all.ts';
import { type Battlefield, type Counts, createHostile } from './hostile.ts';

/** What the process of the attacker is asked, and the answer it sends to each. */
export type Order = { begin: string } | { end: string };
export interface Report {
  counts: Counts;
}

/** `node bench/attacks/attacker.ts BATTLEFIELD SEED`: attacks by order, several at a time where it is asked to. */
const field = JSON.parse(process.argv[2] ?? '{}') as Battlefield;
const random = randomFrom(Number(process.argv[3] ?? 1));
const running = new Map<string, () => Promise<Counts>>();

function begin(name: string): void {
  const attack = attacks.find((one) => one.name === name);
  if (attack === undefined) throw new Error(`There is no attack ${name}`);
  const controller = new AbortController();
  const { hostile, counts, cleanUp } = createHostile(field, controller.signal, random);
  const done = attack.run(hostile).catch((error: Error) => {
    // An attack that fails by itself would look like a service that holds.
    if (!controller.signal.aborted) process.stderr.write(`${name}: ${error.stack}\n`);
  });
  running.set(name, async () => {
    controller.abort();
    await done;
    await cleanUp();
    return counts;
  });
}

process.on('message', async (order: Order) => {
  if ('begin' in order) begin(order.begin);
  const end = 'end' in order ? running.get(order.end) : undefined;
  if ('end' in order) running.delete(order.end);
  process.send?.({ counts: (await end?.()) ?? {} } satisfies Report);
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
