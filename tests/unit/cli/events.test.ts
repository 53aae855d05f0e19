import { expect, test } from 'vitest';
import { readEvents, type SentEvent } from '../../../cli/events.ts';

const text =
  ': alive\n\nretry: 2000\n\nid: 1-0/0\nevent: state\ndata: {"text":"ä"}\n\nid: 1-0/1\nevent: end\ndata: {}\n\n';

test.each([1, 2, 7, 1000])('events are the same in parts of %d bytes', async (size) => {
  const bytes = Buffer.from(text);
  async function* parts() {
    for (let at = 0; at < bytes.length; at += size) yield new Uint8Array(bytes.subarray(at, at + size));
  }
  const events: SentEvent[] = [];
  for await (const event of readEvents(ReadableStream.from(parts()))) events.push(event);
  expect(events).toEqual([
    { id: '1-0/0', event: 'state', data: '{"text":"ä"}' },
    { id: '1-0/1', event: 'end', data: '{}' },
  ]);
});
