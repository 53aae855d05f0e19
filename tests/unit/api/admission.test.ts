import { EventEmitter } from 'node:events';
import type { Request, Response } from 'express';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { everybody, setPrincipal } from '../../../api/access/principal.ts';
import { type Admission, createAdmission } from '../../../api/middleware/admission.ts';

let admission: Admission;
beforeEach(() => {
  vi.useFakeTimers();
  admission = createAdmission({ encoders: () => 2, now: Date.now });
  return () => vi.useRealTimers();
});

/** Ends an admitted request, successfully when it states its download time. */
type End = (fetchMs?: number) => void;

async function send(tenant = 'ours'): Promise<End | undefined> {
  const request = {} as Request;
  setPrincipal(request, { ...everybody, tenant });
  const response = new EventEmitter() as unknown as Response;
  try {
    await admission.enter(request, response, () => {});
  } catch (error) {
    expect(error).toMatchObject({ code: 'overloaded', retryAfter: 1 });
    return undefined;
  }
  return (fetchMs) => {
    if (fetchMs !== undefined) admission.observe({ fetchMs });
    response.emit('close');
  };
}

/** Sends requests until one is refused. */
async function fill(tenant?: string): Promise<End[]> {
  const inFlight: End[] = [];
  for (let end = await send(tenant); end !== undefined; end = await send(tenant)) inFlight.push(end);
  return inFlight;
}

/** Runs a full load of requests with this download time in rounds, and returns the size of the last round. */
async function rounds(count: number, fetchMs: number): Promise<number> {
  let size = 0;
  for (let round = 0; round < count; round++) {
    const inFlight = await fill();
    size = inFlight.length;
    vi.advanceTimersByTime(fetchMs + 50);
    for (const end of inFlight) end(fetchMs);
  }
  return size;
}

describe('the bound on requests in flight', () => {
  test('is the capacity of the encoders when images are inline', async () => {
    expect(await rounds(50, 0)).toBe(16);
  });

  test('grows with the time that requests spend at image hosts, up to a memory’s worth', async () => {
    const [first, later] = [await rounds(2, 1_000), await rounds(8, 1_000)];
    expect(first).toBeLessThan(40);
    expect(later).toBeGreaterThan(100);
    expect(await rounds(20, 1_000)).toBe(512);
  });

  test('falls back soon after', async () => {
    await rounds(20, 1_000);
    vi.advanceTimersByTime(20_000);
    expect(await fill()).toHaveLength(16);
  });

  test('does not count requests to a host that does not answer', async () => {
    expect(await fill()).toHaveLength(16);
    vi.advanceTimersByTime(2_999);
    expect(await send()).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(await fill()).toHaveLength(16);
  });

  test('counts them too against the memory limit', async () => {
    let inFlight = 0;
    for (let round = 0; round < 100; round++) {
      inFlight += (await fill()).length;
      vi.advanceTimersByTime(3_000);
    }
    expect(inFlight).toBe(512);
  });
});

describe('a tenant whose host never answers', () => {
  test('leaves another tenant its share of the encoders', async () => {
    expect(await fill('hostile')).toHaveLength(16);
    expect(await fill('ordinary')).toHaveLength(8);
    expect(await fill('third')).toHaveLength(8);
    expect(await send('hostile')).toBeUndefined();
  });

  test('leaves another tenant its share of the memory, and each of its answers frees capacity', async () => {
    for (let round = 0; round < 100; round++) {
      await fill('hostile');
      vi.advanceTimersByTime(3_000);
    }
    expect(await send('hostile')).toBeUndefined();
    for (let count = 0; count < 200; count++) {
      const end = await send('ordinary');
      expect(end).toBeDefined();
      end?.(0);
    }
  });

  test('takes no more than a tenant alone once the other has gone', async () => {
    const hostile = await fill('hostile');
    for (const end of await fill('ordinary')) end(0);
    hostile[0]?.();
    expect(await fill('hostile')).toHaveLength(1);
  });
});

test('an answer frees a place, and so do a failure and a client that goes away', async () => {
  const [answered, failed] = await fill();
  answered?.(0);
  expect(await fill()).toHaveLength(1);
  failed?.();
  expect(await fill()).toHaveLength(1);
});
