import { EventEmitter } from 'node:events';
import type { Request, Response } from 'express';
import { beforeEach, expect, test, vi } from 'vitest';
import { everybody, setPrincipal } from '../../../api/access/principal.ts';
import { createBodyBudget } from '../../../api/middleware/body-budget.ts';

const MiB = 1024 * 1024;

let budget: ReturnType<typeof createBodyBudget>;
beforeEach(() => {
  vi.useFakeTimers();
  budget = createBodyBudget({ imageMaxBytes: 20 * MiB });
  return () => vi.useRealTimers();
});

const chunked = { 'transfer-encoding': 'chunked' };
const form = { 'content-type': 'multipart/form-data; boundary=b' };

/** A request with a body of this size, whose bytes the test delivers. */
const send = (bytes: number, tenant?: string) => sendWith({ 'content-length': String(bytes) }, tenant);

function sendWith(headers: Record<string, string>, tenant = 'ours') {
  const socket = { bytesRead: 0 };
  const get = (name: string) => headers[name];
  const request = Object.assign(new EventEmitter(), { complete: false, readableLength: 0, socket, get });
  setPrincipal(request as unknown as Request, { ...everybody, tenant });
  const response = new EventEmitter();
  const next = vi.fn();
  const refusal = () => (next.mock.lastCall?.[0] as { code?: string } | undefined)?.code;
  void budget(request as unknown as Request, response as unknown as Response, next);
  return { request, response, refusal };
}

test('bodies are held up to a common limit, and free it when they have been answered', () => {
  const held = Array.from({ length: 7 }, () => send(32 * MiB));
  expect(() => send(MiB)).toThrow(expect.objectContaining({ code: 'overloaded', retryAfter: 1 }));
  held[0]?.response.emit('close');
  expect(() => sendWith(chunked)).not.toThrow();
  expect(() => send(MiB)).toThrow('Too many large request bodies');
});

test('small bodies are accepted beyond the limit of large ones', () => {
  for (let count = 0; count < 7; count++) sendWith(chunked);
  for (let count = 0; count < 128; count++) send(MiB / 4);
  expect(() => send(MiB / 4)).toThrow('Too many large request bodies');
});

test('a compressed body counts with its maximum decoded size', () => {
  const gzipped = { 'content-encoding': 'gzip', 'content-length': String(32 * 1024) };
  for (let count = 0; count < 7; count++) sendWith(gzipped);
  expect(() => sendWith({ ...gzipped, 'content-length': '1000' })).toThrow('Too many large request bodies');
});

test('a small compressed body counts little, unless its encoding has no maximum growth', () => {
  for (let count = 0; count < 50; count++) sendWith({ 'content-encoding': 'GZIP', 'content-length': '1000' });
  for (let count = 0; count < 5; count++) sendWith({ 'content-encoding': 'br', 'content-length': '53' });
  expect(() => send(8 * MiB)).not.toThrow();
  expect(() => sendWith({ 'content-encoding': 'br', 'content-length': '53' })).toThrow('Too many large request bodies');
});

test('a form counts with its file and its fields', () => {
  for (let count = 0; count < 3; count++) sendWith({ ...form, 'content-length': String(52 * MiB) });
  sendWith({ ...form, ...chunked });
  // 4 x 52 MiB are held, of 224.
  expect(() => send(16 * MiB + 1)).toThrow('Too many large request bodies');
  expect(() => send(16 * MiB)).not.toThrow();
});

test('a form that may exceed the whole limit is accepted alone', () => {
  budget = createBodyBudget({ imageMaxBytes: 1024 * MiB });
  const { response } = sendWith({ ...form, 'content-length': String(600 * MiB) });
  expect(() => send(MiB)).toThrow('Too many large request bodies');
  response.emit('close');
  expect(() => send(MiB)).not.toThrow();
});

test('a request without a body counts nothing, however long its answer takes', () => {
  for (let follower = 0; follower < 1_000; follower++) sendWith({});
  expect(() => send(32 * MiB)).not.toThrow();
});

test('a body below the minimum pace is dropped, whatever its length, and a faster one is not', () => {
  const [silent, large, moving] = [sendWith(chunked), send(32 * MiB), send(32 * MiB)];
  for (let seconds = 0; seconds < 35; seconds++) {
    large.request.socket.bytesRead += 1_000;
    moving.request.socket.bytesRead += 64_000;
    vi.advanceTimersByTime(1_000);
  }
  expect([silent, large, moving].map(({ refusal }) => refusal())).toEqual([
    'request.timeout',
    'request.timeout',
    undefined,
  ]);
  vi.advanceTimersByTime(60_000);
  expect(moving.refusal()).toBe('request.timeout');
});

test('a body that drips is dropped after 15 s, and a body that the service does not read is not', () => {
  const [dripping, unread] = [send(MiB), send(MiB)];
  unread.request.readableLength = 65_536;
  vi.advanceTimersByTime(14_000);
  dripping.request.socket.bytesRead += 1;
  expect(dripping.refusal()).toBeUndefined();
  vi.advanceTimersByTime(1_000);
  expect([dripping, unread].map(({ refusal }) => refusal())).toEqual(['request.timeout', undefined]);
});

test('a tenant gets its guaranteed bytes while another holds the budget, up to the hard limit', () => {
  for (let count = 0; count < 7; count++) send(32 * MiB, 'hostile');
  expect(() => send(32 * MiB, 'hostile')).toThrow('Too many large request bodies');
  for (const tenant of ['a', 'b', 'c', 'd']) {
    send(32 * MiB, tenant);
    send(32 * MiB, tenant);
    expect(() => send(MiB, tenant)).toThrow('Too many large request bodies');
  }
  // 224 and 256 MiB of 512.
  send(32 * MiB, 'e');
  expect(() => send(MiB, 'f')).toThrow('Too many large request bodies');
});

test('silent senders are dropped when another finds no capacity, and active senders are not', () => {
  const silent = Array.from({ length: 5 }, () => send(32 * MiB, 'hostile'));
  const moving = [send(32 * MiB, 'hostile'), send(32 * MiB, 'ordinary')];
  const pass = (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      for (const { request } of moving) request.socket.bytesRead += 64_000;
      vi.advanceTimersByTime(1_000);
    }
  };
  pass(2);
  expect(() => send(32 * MiB, 'hostile')).toThrow('Too many large request bodies');
  pass(2);
  expect(silent.map(({ refusal }) => refusal())).toEqual(Array(5).fill(undefined));
  expect(() => send(32 * MiB, 'hostile')).not.toThrow();
  expect(silent.filter(({ refusal }) => refusal() === 'request.timeout')).toHaveLength(1);
  expect(moving.map(({ refusal }) => refusal())).toEqual([undefined, undefined]);
});

test('a complete body may be answered at any time', () => {
  const { request, refusal } = send(100);
  request.complete = true;
  request.emit('end');
  vi.advanceTimersByTime(600_000);
  expect(refusal()).toBeUndefined();
});
