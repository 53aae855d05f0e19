import { expect, test } from 'vitest';
import { commandIn } from '../measure/redis-traffic.ts';

const text = (line: string) => commandIn(line).map((command) => command.toString('latin1'));

test('a line of MONITOR becomes its command, whatever its bytes', () => {
  expect(text(String.raw`+1700000000.123456 [0 unix:/tmp/a b/redis.sock] "SET" "k \"q\"" "\x00\xff\r\n\\x"`)).toEqual([
    '*3\r\n$3\r\nSET\r\n$5\r\nk "q"\r\n$6\r\n\x00\xff\r\n\\x\r\n',
  ]);
});

test('what scripts call, what waits, and what a connection says of itself is left out', () => {
  expect(text('+1700000000.1 [0 lua] "get" "k"')).toEqual([]);
  expect(text('+1700000000.1 [0 127.0.0.1:5] "bzpopmin" "k" "5"')).toEqual([]);
  expect(text('+1700000000.1 [0 127.0.0.1:5] "CLIENT" "SETNAME" "x"')).toEqual([]);
  expect(text('+OK')).toEqual([]);
});
