import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { startRedis } from '../../../testing/redis/single.ts';

test('a process whose starter goes before it is ready drains and ends, instead of staying for ever', async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.remove());
  const script = fileURLToPath(new URL('../../../testing/processes/stub-service.ts', import.meta.url));
  const child = fork(script, ['worker'], {
    execArgv: [],
    env: { ...process.env, REDIS_URL: redis.url, LOG_LEVEL: 'silent' },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'spawn');
  child.disconnect();
  expect(await once(child, 'exit')).toEqual([0, null]);
});
