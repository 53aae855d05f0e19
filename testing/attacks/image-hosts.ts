import type { Attack, Hostile } from './hostile.ts';

/** Attacks with image hosts that the attacker controls and that never answer. */

/** Makes items with distinct images, distributed evenly over these hosts. */
function items(origins: readonly string[], count: number, { random }: Pick<Hostile, 'random'>): object {
  const salt = Math.floor(random() * 1e9);
  return {
    items: Array.from({ length: count }, (_, n) => ({
      image: `${origins[n % origins.length]}/small?n=${salt + n}`,
      text: `thing ${salt + n}`,
    })),
  };
}

export const imageHosts: Attack[] = [
  {
    name: 'dead-hosts',
    what: 'batches of 128 items whose images are on four hosts where nothing listens',
    run: (hostile) =>
      hostile.every(0.5, { atOnce: 4 }, async () => {
        const id = await hostile.post(items(hostile.hosts.dead, 128, hostile));
        if (id !== undefined) await hostile.ended(id);
      }),
  },
  {
    name: 'slow-hosts',
    what: 'batches of 400 items whose image hosts answer after 15 s',
    run: (hostile) =>
      hostile.every(1, { atOnce: 3 }, async () => {
        const id = await hostile.post(items(hostile.hosts.slow, 400, hostile));
        if (id !== undefined) await hostile.ended(id);
      }),
  },
  {
    name: 'slow-hosts-deleted',
    what: 'the same batches, each deleted after a second',
    run: (hostile) =>
      hostile.every(1, { atOnce: 2 }, async () => {
        const id = await hostile.post(items(hostile.hosts.slow, 400, hostile));
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        if (id !== undefined) await hostile.remove(id);
      }),
  },
  {
    name: 'silent-hosts',
    what: '20 single requests a second with an image host that never answers',
    run: ({ hosts, every, send }) => {
      let n = 0;
      const body = () => JSON.stringify({ image: `${hosts.silent[0]}/small?n=${n++}`, text: 'x' });
      return every(20, { atOnce: 1_000 }, () => send('/v1/evaluation/single', body()));
    },
  },
  {
    name: 'webhooks',
    what: '300 batches whose webhooks go to 96 receivers that never answer',
    run: ({ hosts, every, post }) => {
      let n = 0;
      const receiver = () => hosts.silent[n++ % hosts.silent.length];
      // The only item is malformed, so the batch ends at once.
      return every(20, { atOnce: 8, most: 300 }, () =>
        post({ items: [{ image: 'x' }], webhook: { url: `${receiver()}/hook` } }),
      );
    },
  },
  {
    name: 'failure-budgets',
    what: 'batches of 256 items that all fail immediately, more than their failure budget allows',
    run: (hostile) =>
      hostile.every(2, { atOnce: 4, most: 200 }, () =>
        hostile.post({
          ...items([hostile.hosts.healthy, `${hostile.hosts.healthy}/missing:`], 256, hostile),
          failureBudget: { count: 0, after: 0 },
        }),
      ),
  },
];
