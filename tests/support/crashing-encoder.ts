import { type ImageBytes, imageSlots } from '../../models/encoder/protocol.ts';
import { slotsOf } from '../../models/slots.ts';

/**
 * An encoder that dies of certain bytes, as one does of an image that crashes its decoder. `hang` instead of
 * `crash` keeps it busy for ever.
 */
const slots = slotsOf(imageSlots.childFd, imageSlots.bytes);

function beginningOf(bytes: ImageBytes): string {
  if (bytes instanceof Uint8Array) return Buffer.from(bytes).subarray(0, 5).toString();
  const beginning = Buffer.alloc(Math.min(5, bytes.length));
  slots.read(bytes.slot, beginning);
  return beginning.toString();
}

process.on('message', (messages: { type: string; bytes?: ImageBytes }[]) => {
  for (const { type, bytes } of messages) {
    const text = type === 'image' && bytes ? beginningOf(bytes) : '';
    if (text === 'crash') process.abort();
    while (text === 'hang!');
  }
});
await import('../../models/encoder/main.ts');
