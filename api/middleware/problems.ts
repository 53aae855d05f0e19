import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { Problem } from '../../shared/contracts/problem.ts';
import { codes, ServiceError } from '../../shared/errors.ts';
import { formatNamed } from '../../shared/formats.ts';
import type { Logger } from '../../shared/log.ts';
import { resetConnection } from '../slow-readers.ts';
import { maxJsonBytes } from './json-body.ts';

/** The body of a refused request is read to its end if it has at most this many bytes. */
const smallBytes = 256 * 1024;

/** Turns errors into problem details (RFC 9457) with a stable error code. */
export function answerProblems(log: Logger): ErrorRequestHandler {
  return (thrown, request, response, _next) => {
    const error = toServiceError(thrown);
    const { status, title }: { status: number; title: string } = codes[error.code];
    if (error.code === 'internal')
      log.error({ err: thrown, requestId: response.locals['requestId'] }, 'request failed');
    response.locals['code'] = error.code;
    // The client has the complete response; the error occurred while the rest of the body was discarded.
    if (response.writableEnded) return;
    // The status is sent, so only a broken connection shows that the response is incomplete.
    if (response.headersSent) return resetConnection(response);
    const detail =
      error.code === 'internal'
        ? 'An internal error occurred. The log of the service has the cause under this request id'
        : error.message;
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
    // The rest of a small body is read, to reuse the connection. Otherwise the connection closes after a delay in which
    // the client can read the response (shared/lingering-close.ts).
    if (!request.complete && !(Number(request.get('content-length')) <= smallBytes)) {
      response.setHeader('Connection', 'close');
    }
    const type = rootPaths.test(request.originalUrl) ? 'application/json' : 'application/problem+json';
    response.status(status).type(type).send(JSON.stringify(problem));
  };
}

/** Paths of OpenAI's API, whose clients show only `error.message`. Some parse JSON only as application/json. */
const openAiPaths = /^\/(?:[^/?]+\/v1\/(?:embeddings|models)|v1)(?:[/?]|$)/i;
const rootPaths = /^\/v1(?:[/?]|$)/i;
const toOpenAi = ({ code, faults }: ServiceError, status: number, message: string): Problem['error'] => ({
  message,
  type: status < 500 ? 'invalid_request_error' : 'server_error',
  code,
  param: faults?.[0]?.path ?? null,
});

export const routeNotFound: RequestHandler = (request) => {
  throw new ServiceError('route.not_found', `The service has no path ${request.path.slice(0, 200)}`);
};

/** Converts errors of Express and its body parser, which are identified by `type`. */
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
          ? `A JSON body may have at most 32 MiB; send larger batches as ${formatNamed('ndjson').mediaTypes[0]}, which has no such limit`
          : `The body of this request may have at most ${limit} bytes`,
        { cause: thrown },
      );
    case 'encoding.unsupported':
    case 'charset.unsupported':
      return new ServiceError('request.unsupported_media_type', String(message), { cause: thrown });
    case 'request.aborted':
    case 'request.size.invalid':
      return new ServiceError('request.aborted', 'The body ended before it was complete', { cause: thrown });
  }
  // Express marks errors that a client caused with a 4xx status, such as invalid percent-encoding.
  if (status !== undefined && status >= 400 && status < 500) {
    return new ServiceError('request.invalid', String(message), { cause: thrown });
  }
  return new ServiceError('internal', String(message), { cause: thrown });
}
