import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { meterCpu, ticksIn } from '../../../testing/processes/usage.ts';
import { median, percentile } from '../../../testing/statistics.ts';

describe('a percentile', () => {
  it('is one of the values, which the share of them does not exceed', () => {
    const values = Array.from({ length: 100 }, (_, at) => 100 - at);
    expect(percentile(values, 0.95)).toBe(95);
    expect(median(values)).toBe(50);
    expect(median([3, 1, 2])).toBe(2);
    expect(percentile([7, 8], 0.95)).toBe(8);
    expect(percentile([7], 0)).toBe(7);
  });

  it('of no values is 0', () => {
    expect(median([])).toBe(0);
  });
});

describe('CPU time', () => {
  it('is found behind a command with spaces and parentheses', () => {
    const stat = '42 (a ) b (c) 9) S 1 42 42 0 -1 4194560 100 0 0 0 250 30 0 0 20 0 11 0 5 6 7';
    expect(ticksIn(stat)).toBe(280);
  });

  it.runIf(process.platform === 'linux')('of a process that has ended is an error, and not nothing', () => {
    const { pid } = spawnSync(process.execPath, ['--version']);
    expect(() => meterCpu({ gone: [pid] })).toThrow(`Process ${pid} ended`);
  });

  it.runIf(process.platform === 'linux')('of a busy process is what it used, and is charged to no other', () => {
    const meter = meterCpu({ mine: [process.pid], nobody: [] });
    const before = process.cpuUsage();
    let value = 0;
    while (process.cpuUsage(before).user < 300_000) value += Math.sqrt(value + 1);
    const { cpu } = meter.stop();
    expect(cpu['client']).toBeGreaterThanOrEqual(0.3);
    expect(cpu['mine']).toBeGreaterThan(0.25);
    expect(cpu['nobody']).toBe(0);
  });
});
