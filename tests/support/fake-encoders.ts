import type { EncoderEvents, EncoderProcess } from '../../models/encoder/process.ts';
import type { Calibration, Embedded, FromEncoder, ToEncoder } from '../../models/encoder/protocol.ts';
import type { PoolState } from '../../models/pool/pool.ts';
import type { Code } from '../../shared/errors.ts';

/** An embedding that nothing computed. */
export const embeddingOf = (...values: number[]): Embedded => ({
  embedding: Float32Array.from(values),
  decodeMs: 1,
  inferenceMs: 2,
  runInputs: 1,
  tokens: 0,
  totalTokens: 0,
});

/** A pool with an encoder that waits for work. */
export const readyPool = {
  state: 'ready',
  ready: 1,
  configured: 1,
  restarts: 0,
  waiting: 0,
  inFlight: 0,
  verified: false,
  microBatch: 8,
  detail: null,
} as const satisfies PoolState;

/** An encoder process under the control of a test. Its tasks are texts. */
export interface FakeEncoder extends EncoderProcess {
  /** Every message sent to it. */
  readonly sent: ToEncoder[];
  killed: boolean;
  /** Texts sent to it and not answered, in their order. */
  texts(): string[];
  load(): void;
  failToLoad(message: string): void;
  calibrated(calibration: Calibration, isComplete?: boolean): void;
  shrink(images: number): void;
  /** Decoding for this task is slow. */
  slowDecode(text: string): void;
  /** A run over so many texts has ended. */
  ran(texts: number): void;
  answer(text: string, embedded?: Embedded): void;
  fail(text: string, code: Code, message: string): void;
  die(reason?: string): void;
}

/** Stands in for `forkEncoder`; `launched` lists the processes in the order of their start. */
export function fakeEncoders(): {
  launched: FakeEncoder[];
  launch(events: EncoderEvents): EncoderProcess;
} {
  const launched: FakeEncoder[] = [];
  return {
    launched,
    launch(events) {
      const encoder = fakeEncoder(events, 1_000 + launched.length);
      launched.push(encoder);
      return encoder;
    },
  };
}

function fakeEncoder(events: EncoderEvents, pid: number): FakeEncoder {
  const open = new Map<number, string>();
  let ended = false;
  const say = (message: FromEncoder) => {
    if (!ended) events.onMessage(message);
  };
  const idOf = (text: string): number => {
    const id = [...open].find(([, candidate]) => candidate === text)?.[0];
    if (id === undefined) throw new Error(`The encoder was not given ${text}; it has ${[...open.values()].join(', ')}`);
    return id;
  };
  const take = (text: string): number => {
    const id = idOf(text);
    open.delete(id);
    return id;
  };
  const end = (reason: string) => {
    if (ended) return;
    ended = true;
    events.onExit(reason);
  };
  return {
    pid,
    sent: [],
    killed: false,
    send(message) {
      this.sent.push(message);
      if (message.type === 'text') open.set(message.id, message.text);
    },
    kill() {
      this.killed = true;
      // A process reports its end later, never from within the call that kills it.
      queueMicrotask(() => end('SIGKILL'));
    },
    texts: () => [...open.values()],
    load: () => say({ type: 'loaded', verified: false }),
    calibrated: (calibration, isComplete = true) => say({ type: 'calibrated', calibration, isComplete }),
    shrink: (images) => say({ type: 'shrunk', images }),
    ran: (inputs) => say({ type: 'ran', input: 'text', inputs, milliseconds: 1 }),
    slowDecode: (text) => say({ type: 'slow_decode', id: idOf(text) }),
    failToLoad: (message) => say({ type: 'load_failed', message }),
    answer: (text, embedded = embeddingOf(1)) => say({ type: 'embedded', id: take(text), embedded }),
    fail: (text, code, message) => say({ type: 'failed', id: take(text), code, message }),
    die: (reason = 'SIGSEGV') => end(reason),
  };
}
