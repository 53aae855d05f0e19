import { existsSync } from 'node:fs';
import { platform } from 'node:os';
import { describe, expect, test } from 'vitest';
import { chooseDevice } from '../../../../models/device/device.ts';

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
      const { provider, reason } = await chooseDevice({ device: 'auto', deviceFallback: false });
      expect(provider).toBe('cpu');
      expect(reason).toMatch(/cuda: .*NVIDIA.*coreml: .*dml: /);
    },
  );
});
