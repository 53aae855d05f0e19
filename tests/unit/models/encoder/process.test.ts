import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { forkEncoder } from '../../../../models/encoder/process.ts';
import { type FromEncoder, imageSlots } from '../../../../models/encoder/protocol.ts';

const echoing = fileURLToPath(new URL('../../../support/echoing-encoder.ts', import.meta.url));

/** Sends images and waits until all are answered. */
async function answersTo(rounds: readonly (readonly Buffer[])[]): Promise<string[]> {
  const said: string[] = [];
  let onAnswer = () => {};
  const encoder = forkEncoder(
    {
      onMessage(message: FromEncoder) {
        if (message.type === 'failed') said.push(message.message);
        onAnswer();
      },
      onExit: () => {},
    },
    echoing,
  );
  onTestFinished(() => encoder.kill());
  let id = 0;
  for (const images of rounds) {
    const expected = said.length + images.length;
    const all = new Promise<void>((resolve) => {
      onAnswer = () => said.length === expected && resolve();
    });
    for (const bytes of images) encoder.send({ type: 'image', id: id++, interactive: false, tenant: '', bytes });
    await all;
  }
  return said;
}

describe.skipIf(!existsSync('/dev/shm'))('the bytes of an image', () => {
  test('lie in a slot, which the next image has after the answer', async () => {
    const more = Array.from({ length: imageSlots.count }, (_, at) => Buffer.from(`image ${at}`));
    const said = await answersTo([more, more]);
    const expected = more.map((bytes) => `in a slot: ${bytes}`);
    expect(said.toSorted()).toEqual([...expected, ...expected].toSorted());
  });

  test('cross as a message when they are too large, or all slots are taken', async () => {
    const large = Buffer.alloc(imageSlots.bytes + 1, 'x');
    expect(await answersTo([[large]])).toEqual(['as a message: xxxxxxxxxxxxxxxxxxxx']);
    const many = Array.from({ length: imageSlots.count + 2 }, () => Buffer.from('image'));
    const said = await answersTo([many]);
    expect(said.filter((text) => text === 'in a slot: image')).toHaveLength(imageSlots.count);
    expect(said.filter((text) => text === 'as a message: image')).toHaveLength(2);
  });
});
