import { flushCompileCache } from 'node:module';
import { ServiceError, toItemError } from '../../shared/errors.ts';
import { lowerPriority } from '../niceness.ts';
import { slotsOf } from '../slots.ts';
import { createEncoder, type Encoder } from './encoder.ts';
import { type Embedded, type FromEncoder, imageSlots, type LoadOptions, type ToEncoder } from './protocol.ts';

/** At niceness 5, a busy process gets a third of the CPU time of one at niceness 0. */
const niceness = 5;

process.title = 'vls-encoder';

// Encoders occupy all CPUs. The process that answers requests needs little CPU time, but at once. Threads that start
// later inherit the priority.
lowerPriority(niceness);

// The parent decides when an encoder ends. Ctrl-C reaches the whole process group and must not interrupt work.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('disconnect', () => {
  // A normal exit would stop busy threads with an error message.
  process.kill(process.pid, 'SIGKILL');
});

/** Messages of the same event-loop tick, such as the results of one run, are sent as one list. */
let outbox: FromEncoder[] = [];
function flush(): void {
  const messages = outbox;
  outbox = [];
  // The callback prevents an error when the parent is ending.
  if (process.connected) process.send?.(messages, () => {});
}
function send(message: FromEncoder): void {
  if (outbox.push(message) === 1) setImmediate(flush);
}

let encoder: Encoder | undefined;
const cancels = new Map<number, AbortController>();

/** After a failed calibration, the micro-batch size stays the same. */
const ignore = () => {};

process.on('message', (messages: ToEncoder[]) => {
  for (const message of messages) receive(message);
});

function receive(message: ToEncoder): void {
  switch (message.type) {
    case 'load':
      void load(message);
      break;
    case 'image':
      void answer(message.id, async (loaded) => {
        const { id, interactive, tenant } = message;
        const cancel = new AbortController();
        cancels.set(id, cancel);
        try {
          const onSlowDecode = () => send({ type: 'slow_decode', id });
          return await loaded.image(message.bytes, { interactive, tenant, signal: cancel.signal, onSlowDecode });
        } finally {
          cancels.delete(id);
        }
      });
      break;
    case 'text':
      void answer(message.id, (loaded) => loaded.text(message.text, message.interactive, message.tenant));
      break;
    case 'cancel':
      cancels.get(message.id)?.abort(new ServiceError('cancelled', 'The image is no longer needed'));
      break;
    case 'calibrate':
      void encoder?.calibrate(message.known).then((found) => send({ type: 'calibrated', ...found }), ignore);
      break;
    case 'micro_batch':
      encoder?.setMicroBatch(message.images);
      break;
  }
}

async function load(options: LoadOptions): Promise<void> {
  try {
    encoder = await createEncoder(
      options,
      (images) => send({ type: 'shrunk', images }),
      // `encoder` is not yet set during the self-test, so its runs are not reported.
      (run) => encoder && send({ type: 'ran', ...run }),
      slotsOf(imageSlots.childFd, imageSlots.bytes),
    );
    send({ type: 'loaded', verified: encoder.verified });
    // The parent ends this process by SIGKILL, so Node does not write V8's compile cache at the exit.
    flushCompileCache();
  } catch (error) {
    send({ type: 'load_failed', message: error instanceof Error ? error.message : String(error) });
  }
}

async function answer(id: number, embed: (loaded: Encoder) => Promise<Embedded>): Promise<void> {
  try {
    if (encoder === undefined) throw new Error('The encoder received an input before its model was loaded');
    send({ type: 'embedded', id, embedded: await embed(encoder) });
  } catch (error) {
    send({ type: 'failed', id, ...toItemError(error) });
  }
}
