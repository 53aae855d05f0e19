import { EventEmitter } from 'node:events';
import type { Request, Response } from 'express';
import { beforeEach, expect, test, vi } from 'vitest';
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

/** A request with a body of so many bytes, which does not arrive by itself. */
const send = (bytes: number) => sendWith({ 'content-length': String(bytes) });

function sendWith(headers: Record<string, string>) {
  const socket = { bytesRead: 0 };
  const request = Object.assign(new EventEmitter(), { complete: false, socket, get: (name: string) => headers[name] });
  const response = new EventEmitter();
  const next = vi.fn();
  const refusal = () => (next.mock.lastCall?.[0] as { code?: string } | undefined)?.code;
  void budget(request as unknown as Request, response as unknown as Response, next);
  return { request, response, refusal };
}

test('bodies are held up to a bound together, and make room when they have been answered', () => {
  const held = Array.from({ length: 7 }, () => send(32 * MiB));
  expect(() => send(MiB)).toThrow(expect.objectContaining({ code: 'overloaded', retryAfter: 1 }));
  held[0]?.response.emit('close');
  expect(() => sendWith(chunked)).not.toThrow();
  expect(() => send(MiB)).toThrow('Too many large requests');
});

test('small bodies find room beside as many large ones as there may be', () => {
  for (let count = 0; count < 7; count++) sendWith(chunked);
  for (let count = 0; count < 128; count++) send(MiB / 4);
  expect(() => send(MiB / 4)).toThrow('Too many large requests');
});

test('a compressed body counts as what it may become', () => {
  const gzipped = { 'content-encoding': 'gzip', 'content-length': String(32 * 1024) };
  for (let count = 0; count < 7; count++) sendWith(gzipped);
  expect(() => sendWith({ ...gzipped, 'content-length': '1000' })).toThrow('Too many large requests');
});

test('a small compressed body takes little room, unless nobody knows what it becomes', () => {
  for (let count = 0; count < 50; count++) sendWith({ 'content-encoding': 'GZIP', 'content-length': '1000' });
  for (let count = 0; count < 5; count++) sendWith({ 'content-encoding': 'br', 'content-length': '53' });
  expect(() => send(8 * MiB)).not.toThrow();
  expect(() => sendWith({ 'content-encoding': 'br', 'content-length': '53' })).toThrow('Too many large requests');
});

test('a form counts with its file and its fields', () => {
  for (let count = 0; count < 3; count++) sendWith({ ...form, 'content-length': String(52 * MiB) });
  sendWith({ ...form, ...chunked });
  // 4 x 52 MiB are held, of 224.
  expect(() => send(16 * MiB + 1)).toThrow('Too many large requests');
  expect(() => send(16 * MiB)).not.toThrow();
});

test('a form that may be larger than all bodies together is let in alone', () => {
  budget = createBodyBudget({ imageMaxBytes: 1024 * MiB });
  const { response } = sendWith({ ...form, 'content-length': String(600 * MiB) });
  expect(() => send(MiB)).toThrow('Too many large requests');
  response.emit('close');
  expect(() => send(MiB)).not.toThrow();
});

test('what has no body takes no room, however long its answer goes on', () => {
  for (let follower = 0; follower < 1_000; follower++) sendWith({});
  expect(() => send(32 * MiB)).not.toThrow();
});

test('a body that trickles in is given up, whatever its length, and one that keeps its pace is not', () => {
  const [silent, large, moving] = [sendWith(chunked), send(32 * MiB), send(32 * MiB)];
  for (let seconds = 0; seconds < 35; seconds++) {
    large.request.socket.bytesRead += 1;
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

test('a body that has arrived may be answered in any time', () => {
  const { request, refusal } = send(100);
  request.complete = true;
  request.emit('end');
  vi.advanceTimersByTime(600_000);
  expect(refusal()).toBeUndefined();
});
