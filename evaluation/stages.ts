import type { Embedded } from '../models/encoder/protocol.ts';
import type { Metrics, Mode } from '../shared/metrics.ts';
import { isTraced, pastSpan } from '../shared/telemetry/spans.ts';

/** Measures the stages of one evaluation (download, decoding, inference), for a trace of the request. */
export interface Stages {
  /** Runs `get`, which returns the bytes of an image, as the stage `fetch`. */
  fetch(get: () => Promise<Uint8Array>): Promise<Uint8Array>;
  /** Records the encoder run of an embedding, or nothing for a cached one. */
  embedded(embedded: Embedded): void;
  /** Adds one span for each stage to the trace, from its first start to its last end. */
  end(): void;
}

interface Span {
  from: number;
  to: number;
  inputs: number;
  busyMs: number;
}

/** All inputs of a stage share one span: one for each would cost too much for 64 images and 64 texts. */
export function startStages(mode: Mode, metrics: Metrics | undefined): Stages {
  const spans = isTraced() ? new Map<string, Span>() : undefined;

  function add(stage: string, began: number, ms: number): void {
    if (spans === undefined) return;
    const to = began + ms;
    const span = spans.get(stage);
    if (span === undefined) return void spans.set(stage, { from: began, to, inputs: 1, busyMs: ms });
    span.from = Math.min(span.from, began);
    span.to = Math.max(span.to, to);
    span.inputs++;
    span.busyMs += ms;
  }

  return {
    async fetch(get) {
      const began = Date.now();
      const start = performance.now();
      try {
        const bytes = await get();
        metrics?.count('vls_fetched_bytes_total', {}, bytes.length);
        return bytes;
      } finally {
        const ms = performance.now() - start;
        metrics?.stage('fetch', mode, ms / 1000);
        add('fetch', began, ms);
      }
    },
    embedded({ began, decodeMs, inferenceMs, tokens }) {
      if (began === undefined) return;
      add(tokens === 0 ? 'decode' : 'tokenize', began.decode, decodeMs);
      add('inference', began.run, inferenceMs);
    },
    end() {
      for (const [stage, { from, to, inputs, busyMs }] of spans ?? []) {
        pastSpan(stage, from, to, { 'vls.inputs': inputs, 'vls.busy_ms': Math.round(busyMs * 10) / 10 });
      }
    },
  };
}
