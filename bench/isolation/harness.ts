import { Worker } from 'node:worker_threads';
import { type EncoderProcess, forkEncoder } from '../../models/encoder/process.ts';
import type { FromEncoder } from '../../models/encoder/protocol.ts';
import { loadRegistry } from '../../models/registry/registry.ts';
import { readConfig } from '../../shared/config.ts';
import { benchPictures } from '../../testing/images/resized.ts';

/** Images that an encoder holds at a time, as its pool would give it with micro-batches of 8. */
const window = 24;

type Kind = 'process' | 'thread';

/**
 * Feeds encoders of one kind with JPEGs for some seconds: `node bench/isolation/harness.ts process|thread ENCODERS
 * SECONDS MODEL`. A process of its own, since threads share with it what each encoder process has for itself.
 */
const [kind = 'process', encoders = '2', seconds = '5', model] = process.argv.slice(2);
const { spec } = await (await loadRegistry(readConfig())).resolve(model);
const pictures = await benchPictures();

type Link = Pick<EncoderProcess, 'send'>;

function launch(of: Kind, onMessage: (message: FromEncoder) => void): Link {
  const fail = (reason: unknown) => {
    throw new Error(`The encoder ended: ${String(reason)}`);
  };
  if (of === 'process') return forkEncoder({ onMessage, onExit: fail });
  const thread = new Worker(new URL('./thread.ts', import.meta.url));
  thread.on('message', onMessage).on('error', fail).on('exit', fail);
  return { send: (message) => thread.postMessage(message) };
}

let finished = 0;
let number = 0;
/** Resolves when the encoder has loaded its model; from then on it is kept full. */
const start = () =>
  new Promise<void>((loaded, failed) => {
    const next = () =>
      link.send({
        type: 'image',
        id: number,
        interactive: false,
        bytes: pictures[number++ % pictures.length] ?? Buffer.alloc(0),
      });
    const link = launch(kind as Kind, (message) => {
      switch (message.type) {
        case 'loaded':
          for (let at = 0; at < window; at++) next();
          return loaded();
        case 'embedded':
          finished++;
          return next();
        case 'load_failed':
        case 'failed':
          return failed(new Error(message.message));
      }
    });
    link.send({ type: 'load', spec, threads: 1, deviceId: 0, maxPixels: 50_000_000 });
  });

await Promise.all(Array.from({ length: Number(encoders) }, start));
process.on('message', () => {
  const before = finished;
  const begin = performance.now();
  setTimeout(() => {
    process.send?.({ perSecond: ((finished - before) / (performance.now() - begin)) * 1000 });
  }, Number(seconds) * 1000);
});
// What is still running is dropped with the process; encoder processes end when their parent is gone.
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
