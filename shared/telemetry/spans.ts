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
 * Spans by hand, through OpenTelemetry's API alone. Until `startTracing` has loaded the SDK every call is the API's
 * no-op: 0.3 us for a span, and a chunk has about eight.
 */
const tracer = trace.getTracer('vision-language-similarity');

export type { Attributes } from '@opentelemetry/api';

/** Whether what happens now becomes part of a trace that is kept. */
export const isTraced = (): boolean => trace.getActiveSpan()?.isRecording() ?? false;

/** Id of the trace that what happens now belongs to; nothing when it is not kept. */
export function traceId(): string | undefined {
  const span = trace.getActiveSpan();
  return span?.isRecording() ? span.spanContext().traceId : undefined;
}

/** What a log line carries to be found from its trace, and the other way round. */
export function traceFields(): { traceId?: string; spanId?: string } {
  const span = trace.getActiveSpan();
  if (span === undefined) return {};
  const { traceId, spanId } = span.spanContext();
  return { traceId, spanId };
}

/** Does a step within a span. What it throws is an event of the span and makes it an error. */
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

/** A span that is over already. Times in milliseconds since 1970. */
export function pastSpan(name: string, startedAt: number, endedAt: number, attributes: Attributes): void {
  tracer.startSpan(name, { startTime: startedAt, attributes }).end(endedAt);
}

/** Something worth telling of the span that is open. */
export const noteEvent = (name: string, attributes: Attributes): void => {
  trace.getActiveSpan()?.addEvent(name, attributes);
};

export const noteAttributes = (attributes: Attributes): void => {
  trace.getActiveSpan()?.setAttributes(attributes);
};

/**
 * The span that is open, in W3C's form, so that another process can go on from it, or knows that nothing is kept of it.
 * Nothing without tracing.
 */
export function traceparent(): string | undefined {
  const span = trace.getActiveSpan();
  if (span === undefined) return undefined;
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`;
}

export interface TracedChunk {
  /** What was kept with the batch when it was posted, as `traceparent` gave it. */
  traceparent: string | undefined;
  chunk: number;
  attributes: Attributes;
  /** When the worker took it, in milliseconds since 1970. */
  startedAt: number;
}

/** A trace of more spans than this many chunks give can be neither stored nor looked at by the usual tools. */
const chunksPerTrace = 256;

/**
 * Does a chunk within a span: a part of the trace of its batch's post or, beyond the first chunks of a long batch, a
 * trace of its own that is linked to it and sampled for itself.
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

/** The span of an HTTP request, until its answer is out. */
export interface RequestSpan {
  readonly traceId: string | undefined;
  /** Runs what answers the request; everything it begins is below this span. */
  run(step: () => void): void;
  end(route: string, status: number, code: string | undefined): void;
}

/** Begins the span of a request, below that of its sender where its headers name one. */
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
