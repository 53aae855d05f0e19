import { EventEmitter } from 'node:events';
import type { Request, Response } from 'express';
import { expect, test } from 'vitest';
import { everybody, setPrincipal } from '../../../api/access/principal.ts';
import { shareConnections } from '../../../api/middleware/share-connections.ts';

let surplus = false;
const share = () => shareConnections({ isSurplus: () => surplus, guaranteed: 2, unknown: 3 });

/** Creates a request of a tenant, or of a caller without a key. */
function send(enter: ReturnType<typeof share>, tenant: string | undefined, ip = '203.0.113.1') {
  const request = { path: '/evaluator/v1/models', ip } as Request;
  if (tenant !== undefined) setPrincipal(request, { ...everybody, tenant });
  const headers = new Map<string, string>();
  const setHeader = (name: string, value: string) => headers.set(name, value);
  const response = Object.assign(new EventEmitter(), { setHeader });
  let code = 'let in';
  try {
    void enter(request, response as unknown as Response, () => {});
  } catch (error) {
    ({ code } = error as { code: string });
  }
  return { code, connection: headers.get('Connection'), end: () => response.emit('close') };
}

test('a tenant alone may use all connections', () => {
  surplus = false;
  const enter = share();
  expect(Array.from({ length: 500 }, () => send(enter, 'ours').code)).toEqual(Array(500).fill('let in'));
});

test('when all connections are in use, a tenant with few requests is answered, and one with many is refused and disconnected', () => {
  surplus = false;
  const enter = share();
  for (let count = 0; count < 100; count++) send(enter, 'hostile');
  surplus = true;
  expect(send(enter, 'hostile')).toMatchObject({ code: 'overloaded', connection: 'close' });
  const [first] = [send(enter, 'ordinary'), send(enter, 'ordinary')];
  expect(first).toMatchObject({ code: 'let in', connection: 'close' });
  expect(send(enter, 'ordinary').code).toBe('overloaded');
  first?.end();
  expect(send(enter, 'ordinary').code).toBe('let in');
});

test('callers without a key may have few requests in flight per address, and an IPv6 network counts as one address', () => {
  surplus = false;
  const enter = share();
  const from = (ip: string) => send(enter, undefined, ip).code;
  expect([1, 2, 3, 4].map((last) => from(`2001:db8:1:1::${last}`))).toEqual([...Array(3).fill('let in'), 'overloaded']);
  expect(from('198.51.100.7')).toBe('let in');
});
