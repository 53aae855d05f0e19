import { captions, photoNames, readPhoto } from '../../testing/images/host.ts';
import { same } from './report.ts';
import type { Stack } from './stack.ts';

const encoded = photoNames.map((name) => readPhoto(name).toString('base64'));

/** A pair with a photo in it, and a caption that no other pair has. */
export const pair = (at: number, run: string) => ({
  image: encoded[at % encoded.length],
  text: `${captions[photoNames[at % photoNames.length] ?? '']} ${run}-${at}`,
});

/** Posts a batch. Returns its id once it is acknowledged. */
export async function post({ client }: Stack, items: number, run: string): Promise<string> {
  const { status, body } = await client.batch.post(Array.from({ length: items }, (_, at) => pair(at, run)));
  same(status, 202, 'the status of the post');
  return body.id;
}

/** Waits for the end of a batch. @throws {Error} unless every item has one result, and it is a score. */
export async function complete({ client }: Stack, id: string, items: number): Promise<string> {
  // Connections fail while a part of the stack is away.
  const finished = await untilAnswered(() => client.batch.finished(id));
  same(finished.items.succeeded, items, 'the number of scored items');
  const results = await untilAnswered(() => client.batch.results(id));
  const indexes = results.map(({ index }) => index).sort((a, b) => a - b);
  same(indexes, [...Array(items).keys()], 'the list of results');
  return `${items} items`;
}

async function untilAnswered<Value>(run: () => Promise<Value>): Promise<Value> {
  const deadline = performance.now() + 300_000;
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof TypeError) || performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}
