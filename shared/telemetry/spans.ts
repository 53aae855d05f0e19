import type { IncomingHttpHeaders } from 'node:http';
import {
  type Attributes,
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { ServiceError } from '../errors.ts';

/**
 * Does nothing until `startTracing` has loaded the SDK. With it, a span costs 0.3 us, and a chunk (a part of a batch)
 * has about eight spans.
 */
const tracer = trace.getTracer('vision-language-similarity');

export type { Attributes } from '@opentelemetry/api';

/** Returns true if the current work is part of a sampled trace. */
export const isTraced = (): boolean => trace.getActiveSpan()?.isRecording() ?? false;

/** Returns the id of the current trace, or undefined if it is not sampled. */
export function traceId(): string | undefined {
  const span = trace.getActiveSpan();
  return span?.isRecording() ? span.spanContext().traceId : undefined;
}

/** Returns the ids that connect a log line with its trace. */
export function traceFields(): { traceId?: string; spanId?: string } {
  const span = trace.getActiveSpan();
  if (span === undefined) return {};
  const { traceId, spanId } = span.spanContext();
  return { traceId, spanId };
}

/** Calls `step` within a span. An error becomes an event of the span and marks it as failed. */
export async function traced<Value>(name: string, attributes: Attributes, step: () => Promise<Value>): Promise<Value> {
  return await tracer.startActiveSpan(name, { attributes }, (span) => finish(span, step));
}

async function finish<Value>(span: Span, step: () => Promise<Value>): Promise<Value> {
  try {
    return await step();
  } catch (error) {
    fail(span, error);
    throw error;
  } finally {
    span.end();
  }
}

function fail(span: Span, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof ServiceError) span.setAttribute('vls.code', error.code);
  span.recordException(error instanceof Error ? error : message);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}

/** Records a span that has already ended. Times are in ms since 1970. */
export function pastSpan(name: string, startedAt: number, endedAt: number, attributes: Attributes): void {
  tracer.startSpan(name, { startTime: startedAt, attributes }).end(endedAt);
}

export const noteEvent = (name: string, attributes: Attributes): void => {
  trace.getActiveSpan()?.addEvent(name, attributes);
};

export const noteAttributes = (attributes: Attributes): void => {
  trace.getActiveSpan()?.setAttributes(attributes);
};

/**
 * Returns the current span as W3C `traceparent`, with which another process can continue the trace. Returns undefined
 * without tracing.
 */
export function traceparent(): string | undefined {
  const span = trace.getActiveSpan();
  if (span === undefined) return undefined;
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`;
}

export interface TracedChunk {
  /** The `traceparent` of the post of the batch. */
  traceparent: string | undefined;
  chunk: number;
  attributes: Attributes;
  /** The time in ms since 1970 at which the worker took the chunk. */
  startedAt: number;
}

/** The maximum number of chunks per trace. Common tools cannot store or display traces with more spans. */
const chunksPerTrace = 256;

/**
 * Evaluates a chunk within a span. The first {@link chunksPerTrace} chunks belong to the trace of the batch's post.
 * Each later one gets its own trace, linked to that trace and sampled independently.
 */
export async function traceChunk<Value>(
  { traceparent: origin, chunk, attributes, startedAt }: TracedChunk,
  step: () => Promise<Value>,
): Promise<Value> {
  const post = remoteContext(origin);
  const posted = trace.getSpanContext(post);
  const isOwn = chunk >= chunksPerTrace && posted?.traceFlags === TraceFlags.SAMPLED;
  const options = {
    kind: SpanKind.CONSUMER,
    startTime: startedAt,
    attributes,
    ...(isOwn && { links: [{ context: posted }] }),
  };
  return await tracer.startActiveSpan('chunk', options, isOwn ? ROOT_CONTEXT : post, (span) => finish(span, step));
}

function remoteContext(origin: string | undefined): Context {
  const match = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(origin ?? '');
  if (match === null) return ROOT_CONTEXT;
  const [, id = '', spanId = '', flags = '00'] = match;
  const traceFlags = Number.parseInt(flags, 16) & TraceFlags.SAMPLED;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId: id, spanId, traceFlags, isRemote: true });
}

/** The span of an HTTP request, which ends with its response. */
export interface RequestSpan {
  readonly traceId: string | undefined;
  /** Runs the handler, whose spans become children of this span. */
  run(step: () => void): void;
  end(route: string, status: number, code: string | undefined): void;
}

/** Starts the span of a request. A span of the client in the headers becomes its parent. */
export function traceRequest(method: string, headers: IncomingHttpHeaders): RequestSpan {
  const sender = propagation.extract(ROOT_CONTEXT, headers);
  const span = tracer.startSpan(
    method,
    { kind: SpanKind.SERVER, attributes: { 'http.request.method': method } },
    sender,
  );
  return {
    traceId: span.isRecording() ? span.spanContext().traceId : undefined,
    run: (step) => context.with(trace.setSpan(sender, span), step),
    end(route, status, code) {
      span.updateName(`${method} ${route}`);
      span.setAttributes({ 'http.route': route, 'http.response.status_code': status });
      if (code !== undefined) span.addEvent('problem', { 'vls.code': code });
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
  };
}
