import { expect, test } from 'vitest';
import { shapeOf, thisMachine } from '../../../../models/pool/shape.ts';

const GB = 1_000_000_000;
const of = (memoryBytes: number, precision: 'fp32' | 'int8' = 'fp32') => ({ memoryBytes, precision });

test.each([
  { cpus: 2, memory: 16, model: 0.49, shape: { encoders: 2, threads: 1 }, why: 'one for each CPU' },
  { cpus: 8, memory: 64, model: 0.49, shape: { encoders: 8, threads: 1 }, why: 'one for each CPU' },
  { cpus: 2, memory: 16, model: 0.5, shape: { encoders: 1, threads: 2 }, why: 'two threads for a large model' },
  { cpus: 8, memory: 64, model: 0.5, shape: { encoders: 4, threads: 2 }, why: 'two threads for a large model' },
  { cpus: 3, memory: 64, model: 0.5, shape: { encoders: 1, threads: 3 }, why: 'two threads or more' },
  { cpus: 8, memory: 4, model: 1, shape: { encoders: 2, threads: 4 }, why: 'as many as memory carries' },
  { cpus: 7, memory: 4, model: 1, shape: { encoders: 2, threads: 3 }, why: 'threads never exceed the CPUs' },
  { cpus: 4, memory: 1, model: 1, shape: { encoders: 1, threads: 4 }, why: 'one, even where none fits' },
  { cpus: 1, memory: 16, model: 1, shape: { encoders: 1, threads: 1 }, why: 'one of each on one CPU' },
])('$cpus CPUs and $memory GB carry $shape for a model of $model GB: $why', ({ cpus, memory, model, shape }) => {
  expect(shapeOf({ cpus, memoryBytes: memory * GB }, of(model * GB), {})).toEqual({ ...shape, decoders: 0 });
});

test('encoders of an int8 model have one thread, whatever its size', () => {
  const machine = { cpus: 8, memoryBytes: 64 * GB };
  expect(shapeOf(machine, of(GB, 'int8'), {})).toMatchObject({ encoders: 8, threads: 1 });
});

test('a model counts 1.4 times its memory, and the process 300 MB', () => {
  const encoders = (memoryBytes: number) => shapeOf({ cpus: 8, memoryBytes }, of(GB, 'int8'), {}).encoders;
  expect(encoders(0.3 * GB + 3 * 1.4 * GB)).toBe(3);
  expect(encoders(0.3 * GB + 3 * 1.4 * GB - 1_000)).toBe(2);
});

test('a configured number of encoders is used, and the threads follow from it', () => {
  const machine = { cpus: 8, memoryBytes: 64 * GB };
  expect(shapeOf(machine, of(GB), { encoders: 2 })).toMatchObject({ encoders: 2, threads: 4 });
  expect(shapeOf(machine, of(GB), { encoders: 16 })).toMatchObject({ encoders: 16, threads: 1 });
});

test.each([
  { cpus: 16, devices: 1, decoders: 15 },
  { cpus: 16, devices: 2, decoders: 7 },
  { cpus: 1, devices: 1, decoders: 1 },
])(
  '$devices GPUs have an encoder each, and $cpus CPUs decode for them: $decoders each',
  ({ cpus, devices, decoders }) => {
    const machine = { cpus, memoryBytes: 64 * GB };
    expect(shapeOf(machine, of(GB), {}, { provider: 'cuda', devices })).toMatchObject({ encoders: devices, decoders });
  },
);

test('this machine has a CPU and no more memory than its limit', () => {
  const machine = thisMachine();
  expect(machine.cpus).toBeGreaterThanOrEqual(1);
  expect(machine.memoryBytes).toBeGreaterThan(0);
  const limit = process.constrainedMemory();
  if (limit > 0) expect(machine.memoryBytes).toBeLessThanOrEqual(limit);
});
