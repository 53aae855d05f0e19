import { Socket } from 'node:net';
import { setPriority } from 'node:os';
import { toItemError } from '../../shared/errors.ts';
import { shareLargePlaces } from '../evaluator/decode-limits.ts';
import { type CropOptions, crop } from '../evaluator/preprocess.ts';
import type { Asker } from '../evaluator/protocol.ts';
import { readFrames, writeFrame } from './frames.ts';
import { frameTypes } from './protocol.ts';

/** Of 19. Behind the encoder, which has to feed a GPU with what is decoded here. */
const niceness = 10;

process.title = 'vls-decoder';
setPriority(niceness);

// As for evaluators: its parent decides when it ends, and takes it along.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('disconnect', () => process.exit(0));

const pipe = new Socket({ fd: 4, readable: true, writable: true });
pipe.on('error', () => process.exit(0));
pipe.on('close', () => process.exit(0));

let options: CropOptions | undefined;
/** Which image somebody asks for; who it is for is known to the encoder. */
const ids = new WeakMap<Asker, number>();
const granted = new Map<number, () => void>();

shareLargePlaces(async (asker) => {
  const id = ids.get(asker) ?? 0;
  await new Promise<void>((resolve) => {
    granted.set(id, resolve);
    writeFrame(pipe, frameTypes.largeAsked, id);
  });
  granted.delete(id);
  return () => writeFrame(pipe, frameTypes.largeDone, id);
});

readFrames(pipe, ({ type, id, body }) => {
  if (type === frameTypes.options) options = JSON.parse(body.toString()) as CropOptions;
  else if (type === frameTypes.largeGranted) granted.get(id)?.();
  else void decode(id, body);
});

async function decode(id: number, bytes: Uint8Array): Promise<void> {
  const asker: Asker = { interactive: false };
  ids.set(asker, id);
  try {
    if (options === undefined) throw new Error('The decoder was asked before it had its options');
    writeFrame(pipe, frameTypes.pixels, id, await crop(bytes, { ...options, asker }));
  } catch (error) {
    writeFrame(pipe, frameTypes.failed, id, Buffer.from(JSON.stringify(toItemError(error))));
  }
}
