import { parentPort } from 'node:worker_threads';
import { createEvaluator, type Evaluator } from '../../models/evaluator/evaluator.ts';
import type { FromEvaluator, ToEvaluator } from '../../models/evaluator/protocol.ts';
import { toItemError } from '../../shared/errors.ts';

/** The evaluator as a thread: the same protocol as `models/evaluator/main.ts`, over a message port. */
const send = (message: FromEvaluator) => parentPort?.postMessage(message);
let evaluator: Evaluator | undefined;

parentPort?.on('message', async (message: ToEvaluator) => {
  if (message.type === 'load') {
    evaluator = await createEvaluator(message);
    return send({ type: 'loaded', verified: evaluator.verified });
  }
  if (message.type !== 'image' && message.type !== 'text') return;
  try {
    if (message.type === 'image' && !(message.bytes instanceof Uint8Array)) throw new Error('There are no slots here');
    if (evaluator === undefined) throw new Error('The evaluator was asked before its model was loaded');
    const embedded =
      message.type === 'image'
        ? await evaluator.image(message.bytes, { interactive: message.interactive })
        : await evaluator.text(message.text, message.interactive);
    send({ type: 'embedded', id: message.id, embedded });
  } catch (error) {
    send({ type: 'failed', id: message.id, ...toItemError(error) });
  }
});
