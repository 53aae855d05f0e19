import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { Problem } from '../../shared/contracts/problem.ts';
import { codes, ServiceError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import { resetConnection } from '../slow-readers.ts';
import { maxJsonBytes } from './json-body.ts';

/** How long a sender that is still busy sending may take to read why it is refused, in milliseconds. */
const lingerMs = 1_000;

const smallBytes = 256 * 1024;

/** The one place where an error becomes an answer: RFC 9457 problem details with a stable code. */
export function answerProblems(log: Logger): ErrorRequestHandler {
  return (thrown, request, response, _next) => {
    const error = toServiceError(thrown);
    const { status, title }: { status: number; title: string } = codes[error.code];
    if (error.code === 'internal')
      log.error({ err: thrown, requestId: response.locals['requestId'] }, 'request failed');
    response.locals['code'] = error.code;
    // The answer is complete: a body that was given up ends after its sender has been answered.
    if (response.writableEnded) return;
    // Headers are out: all that can still be said is that the answer is not complete.
    if (response.headersSent) return resetConnection(response);
    const detail =
      error.code === 'internal' ? 'The service failed; its log has the reason under this request id' : error.message;
    const problem: Problem = {
      type: `urn:vls:problem:${error.code}`,
      title,
      status,
      code: error.code,
      detail,
      requestId: String(response.locals['requestId']),
      ...(response.locals['traceId'] !== undefined && { traceId: String(response.locals['traceId']) }),
      ...(error.faults && { errors: [...error.faults] }),
      ...(openAiPaths.test(request.originalUrl) && { error: toOpenAi(error, status, detail) }),
    };
    const retryAfter = error.retryAfter ?? (status === 503 || status === 429 ? 2 : undefined);
    if (retryAfter !== undefined) response.setHeader('Retry-After', String(Math.ceil(retryAfter)));
    // A small body is read to its end by Node, which spares its sender a new connection. What is left of a large one is
    // not worth reading; its sender gets a moment to see the answer. Until then what comes is thrown away and the
    // connection stays: closed with bytes unread, it would be reset, and the answer lost on its way.
    if (!request.complete && !(Number(request.get('content-length')) <= smallBytes)) {
      response.on('finish', () => {
        request.resume();
        setTimeout(() => request.complete || request.socket.destroy(), lingerMs).unref();
      });
    }
    response.status(status).type('application/problem+json').send(JSON.stringify(problem));
  };
}

/** The clients of OpenAI show the `message` of `error` and nothing else. */
const openAiPaths = /^\/[^/?]+\/v1\/(?:embeddings|models)(?:[/?]|$)/i;
const toOpenAi = ({ code, faults }: ServiceError, status: number, message: string): Problem['error'] => ({
  message,
  type: status < 500 ? 'invalid_request_error' : 'server_error',
  code,
  param: faults?.[0]?.path ?? null,
});

export const routeNotFound: RequestHandler = (request) => {
  throw new ServiceError('route.not_found', `There is nothing at ${request.path.slice(0, 200)}`);
};

/** Errors of express and its body parser, told by their `type`, as codes of ours. */
function toServiceError(thrown: unknown): ServiceError {
  if (thrown instanceof ServiceError) return thrown;
  const { type, status, message, limit } = thrown as Partial<Record<'type' | 'message', string>> &
    Partial<Record<'status' | 'limit', number>>;
  switch (type) {
    case 'entity.parse.failed':
      return new ServiceError('request.malformed_json', `The body is not JSON: ${message}`, { cause: thrown });
    case 'entity.too.large':
      return new ServiceError(
        'request.too_large',
        limit === maxJsonBytes
          ? 'A JSON body may have 32 MiB; send larger batches as application/x-ndjson, which has no such limit'
          : `A body may have ${limit} bytes here`,
        { cause: thrown },
      );
    case 'encoding.unsupported':
    case 'charset.unsupported':
      return new ServiceError('request.unsupported_media_type', String(message), { cause: thrown });
    case 'request.aborted':
    case 'request.size.invalid':
      return new ServiceError('request.aborted', 'The body ended before it was complete', { cause: thrown });
  }
  // A path that cannot be decoded, and the like.
  if (status !== undefined && status >= 400 && status < 500) {
    return new ServiceError('request.invalid', String(message), { cause: thrown });
  }
  return new ServiceError('internal', String(message), { cause: thrown });
}
