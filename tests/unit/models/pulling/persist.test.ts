import { expect, test } from 'vitest';
import { networkFault } from '../../../../models/pulling/network-fault.ts';
import { patience, persist, type Retry } from '../../../../models/pulling/persist.ts';

const fault = (code: string) => networkFault(new TypeError('fetch failed', { cause: { code, message: code } }), 'A');

async function attemptsOf(errors: (attempt: number, progressed: () => void) => Error): Promise<number> {
  let attempts = 0;
  const onRetry = (_: Retry) => {};
  await persist({ ...patience, retryDelayMs: 0, onRetry }, async (_signal, { progressed }) => {
    attempts++;
    throw errors(attempts, progressed);
  }).catch(() => undefined);
  return attempts;
}

test('a host that does not exist is tried 3 times, and a name server that does not answer 6 times', async () => {
  expect(await attemptsOf(() => fault('ENOTFOUND'))).toBe(3);
  expect(await attemptsOf(() => fault('EAI_AGAIN'))).toBe(6);
});

test('a host that has sent bytes is tried 6 times, even if its name is lost later', async () => {
  const attempts = await attemptsOf((attempt, progressed) => {
    if (attempt === 1) progressed();
    return fault(attempt === 1 ? 'ECONNRESET' : 'ENOTFOUND');
  });
  expect(attempts).toBe(6);
});

test('the advice for a network error does not claim that bytes are stored', () => {
  for (const code of ['ENOTFOUND', 'ECONNREFUSED']) expect(fault(code).advice).not.toContain('stored');
});
