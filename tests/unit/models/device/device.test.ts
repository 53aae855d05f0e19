import { existsSync } from 'node:fs';
import { platform } from 'node:os';
import { describe, expect, test } from 'vitest';
import { chooseDevice, deviceWords } from '../../../../models/device/device.ts';

describe('the device', () => {
  test('is the CPU where that is asked for, without a look at anything else', async () => {
    expect(await chooseDevice({ device: 'cpu', deviceFallback: false })).toMatchObject({
      provider: 'cpu',
      reason: 'as configured',
    });
  });

  test.skipIf(platform() === 'win32')('that is not available is refused, with the reason and a solution', async () => {
    await expect(chooseDevice({ device: 'dml', deviceFallback: false })).rejects.toThrow(
      /DEVICE=dml is not available: dml: it works only on Windows.*DEVICE_FALLBACK=1/,
    );
  });

  test.skipIf(platform() === 'win32')('that is not available falls back to the CPU if allowed', async () => {
    expect(await chooseDevice({ device: 'dml', deviceFallback: true })).toMatchObject({
      provider: 'cpu',
      reason: 'fallback, dml: it works only on Windows',
    });
  });

  test.skipIf(platform() !== 'linux' || existsSync('/dev/nvidiactl'))(
    'is the CPU on a machine without an accelerator, and says what each lacks',
    async () => {
      const { faults, ...device } = await chooseDevice({ device: 'auto', deviceFallback: false });
      expect(device).toEqual({ provider: 'cpu', count: 1, reason: 'no accelerator found' });
      expect(faults).toMatch(/cuda: .*NVIDIA.*coreml: .*dml: /);
    },
  );

  test.each([
    ['cpu', 1, 'no accelerator found', 'Runs on the CPU'],
    ['cpu', 1, 'fallback, cuda: no driver', 'Runs on the CPU (fallback, cuda: no driver)'],
    ['cuda', 1, 'as configured', 'Runs on the GPU (cuda)'],
    ['cuda', 2, 'as configured', 'Runs on 2 GPUs (cuda)'],
    ['coreml', 1, 'as configured', 'Runs on the GPU (coreml)'],
  ] as const)('%s, %i, %s is named in one sentence', (provider, count, reason, words) => {
    expect(deviceWords({ provider, count, reason })).toBe(words);
  });
});
