import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createSlots, slotsOf } from '../../../models/slots.ts';

function slotsOfTest(count: number, bytes: number) {
  const slots = createSlots(count, bytes);
  if (slots === undefined) throw new Error('There is no /dev/shm here');
  onTestFinished(() => slots.close());
  return slots;
}

describe.skipIf(!existsSync('/dev/shm'))('slots', () => {
  test('give back what was written, each its own, also by the descriptor alone', () => {
    const slots = slotsOfTest(2, 8);
    slots.write(0, Buffer.from('a first!'));
    slots.write(1, Buffer.from('second'));
    const other = slotsOf(slots.fd, slots.slotBytes);
    const read = (slot: number, length: number) => {
      const bytes = Buffer.alloc(length);
      other.read(slot, bytes);
      return bytes.toString();
    };
    expect([read(0, 8), read(1, 6)]).toEqual(['a first!', 'second']);
    expect(() => read(1, 8)).toThrow('Expected 8 bytes in a slot of the file, got 6');
  });

  test('are taken and given back', () => {
    const slots = slotsOfTest(2, 8);
    const taken = [slots.take(), slots.take(), slots.take()];
    expect(taken.toSorted()).toEqual([0, 1, undefined]);
    slots.free(1);
    expect(slots.take()).toBe(1);
  });

  test('leave no file behind', () => {
    slotsOfTest(1, 8);
    expect(readdirSync('/dev/shm').filter((name) => name.startsWith(`vls-${process.pid}-`))).toEqual([]);
  });

  test('are not created without free memory', () => {
    expect(createSlots(2 ** 30, 2 ** 20)).toBeUndefined();
  });
});
