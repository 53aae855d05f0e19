import { parentPort } from 'node:worker_threads';
import { createEncoder, type Encoder } from '../../models/encoder/encoder.ts';
import type { FromEncoder, ToEncoder } from '../../models/encoder/protocol.ts';
import { toItemError } from '../../shared/errors.ts';

/** The encoder as a thread: the same protocol as `models/encoder/main.ts`, over a message port. */
const send = (message: FromEncoder) => parentPort?.postMessage(message);
let encoder: Encoder | undefined;

parentPort?.on('message', async (message: ToEncoder) => {
  if (message.type === 'load') {
    encoder = await createEncoder(message);
    return send({ type: 'loaded', verified: encoder.verified });
  }
  if (message.type !== 'image' && message.type !== 'text') return;
  try {
    if (message.type === 'image' && !(message.bytes instanceof Uint8Array)) throw new Error('There are no slots here');
    if (encoder === undefined) throw new Error('The encoder was asked before its model was loaded');
    const embedded =
      message.type === 'image'
        ? await encoder.image(message.bytes, { interactive: message.interactive })
        : await encoder.text(message.text, message.interactive);
    send({ type: 'embedded', id: message.id, embedded });
  } catch (error) {
    send({ type: 'failed', id: message.id, ...toItemError(error) });
  }
});
