import { expect, test } from 'vitest';
import { faultOfReply } from '../../../shared/redis/fault.ts';

test.each([
  ['LOADING Redis is loading the dataset in memory', 'loading'],
  ['NOAUTH Authentication required.', 'password'],
  ['WRONGPASS invalid username-password pair or user is disabled.', 'password'],
  ['ERR invalid password', 'password'],
  ["NOPERM this user has no permissions to run the 'set' command", 'not_permitted'],
  ["READONLY You can't write against a read only replica. script: 5e0, on @user_script:2.", 'read_only'],
  ["OOM command not allowed when used memory > 'maxmemory'.", 'full'],
  ["@user_script: 2: -OOM command not allowed when used memory > 'maxmemory'.", 'full'],
  [
    "ERR Error running script (call to f_5e0): @user_script: 2: -READONLY You can't write against a read only replica.",
    'read_only',
  ],
  ['MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist to disk.', 'disk'],
  ['NOREPLICAS Not enough good replicas to write.', 'replicas'],
  ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", 'replicas'],
  ['CLUSTERDOWN Hash slot not served', 'cluster'],
  ['MOVED 7000 10.0.0.7:6379', 'cluster'],
])('"%s" speaks of the fault %s', (message, fault) => {
  expect(faultOfReply(message)).toBe(fault);
});

test.each([
  'WRONGTYPE Operation against a key holding the wrong kind of value',
  "ERR user_script:1: attempt to index global 'x' (a nil value)",
  'The list of READONLY keys is empty',
  'BUSY Redis is busy running a script.',
])('"%s" is about the command alone', (message) => {
  expect(faultOfReply(message)).toBeUndefined();
});
