import { type ImageBytes, imageSlots } from '../../models/encoder/protocol.ts';
import { slotsOf } from '../../models/slots.ts';

/** An encoder that answers each image by the way it came and its text, as the message of a fault. */
const slots = slotsOf(imageSlots.childFd, imageSlots.bytes);

function textOf(bytes: ImageBytes): string {
  if (bytes instanceof Uint8Array) return `as a message: ${Buffer.from(bytes).toString().slice(0, 20)}`;
  const copy = Buffer.alloc(bytes.length);
  slots.read(bytes.slot, copy);
  return `in a slot: ${copy}`;
}

process.on('message', (messages: { type: string; id: number; bytes: ImageBytes }[]) => {
  const answers = messages.map(({ id, bytes }) => ({ type: 'failed', id, code: 'internal', message: textOf(bytes) }));
  process.send?.(answers);
});
process.on('disconnect', () => process.exit(0));
