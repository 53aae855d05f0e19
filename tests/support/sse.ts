/** One server-sent event. */
export interface SentEvent {
  id: string;
  event: string;
  data: unknown;
}

/** Reads events until the server closes, or until `enough` says so: then the connection is cut. */
export async function readEvents(
  url: string,
  options: { lastEventId?: string; enough?: (events: SentEvent[]) => boolean } = {},
): Promise<{ status: number; events: SentEvent[] }> {
  const controller = new AbortController();
  const headers = options.lastEventId === undefined ? {} : { 'last-event-id': options.lastEventId };
  const response = await fetch(url, { headers, signal: controller.signal });
  const events: SentEvent[] = [];
  let text = '';
  try {
    for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      text += Buffer.from(part).toString('utf8');
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s, 2)));
        if (!fields['event']) continue;
        events.push({ id: fields['id'] ?? '', event: fields['event'], data: JSON.parse(fields['data'] ?? 'null') });
        // Further events of the same part are dropped, as for a client that is disconnected.
        if (options.enough?.(events)) return { status: response.status, events };
      }
    }
  } finally {
    controller.abort();
  }
  return { status: response.status, events };
}
