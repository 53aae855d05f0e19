import { parentPort, workerData } from 'node:worker_threads';
import type { ModelSpec } from '../model.ts';
import type { FromTowerThread, ToTowerThread } from './threaded-towers.ts';
import { loadSessions } from './towers.ts';

/** Entry point of the inference thread, which executes one run at a time. The main thread moves images meanwhile. */
const { spec, threads, deviceId } = workerData as { spec: ModelSpec; threads: number; deviceId: number };
const send = (message: FromTowerThread, transfer: ArrayBuffer[] = []) => parentPort?.postMessage(message, transfer);

try {
  const sessions = await loadSessions(spec, threads, deviceId);
  let last: Promise<void> = Promise.resolve();
  parentPort?.on('message', (message: ToTowerThread) => {
    last = last.then(async () => {
      send({ type: 'began', id: message.id });
      try {
        const embeddings =
          'pixels' in message
            ? await sessions.images(message.pixels, message.count)
            : await sessions.texts(message.ids);
        send({ type: 'ran', id: message.id, embeddings }, [embeddings.buffer as ArrayBuffer]);
      } catch (error) {
        send({ type: 'failed', id: message.id, reason: String((error as Error).message) });
      }
    });
  });
  send({ type: 'loaded' });
} catch (error) {
  send({ type: 'load_failed', reason: String((error as Error).message) });
}
