import type { IncomingMessage, ServerResponse } from 'node:http';

export interface HubRequest {
  server: 'hub' | 'cdn' | 'mirror';
  method: string;
  path: string;
  range: string | undefined;
  ifRange: string | undefined;
  authorization: string | undefined;
  status: number;
}

/** Writes down a request, and the status of its answer once there is one. */
export function note(
  requests: HubRequest[],
  server: HubRequest['server'],
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { range, authorization } = request.headers;
  const noted: HubRequest = {
    server,
    method: request.method ?? '',
    path: request.url ?? '',
    range,
    ifRange: request.headers['if-range']?.toString(),
    authorization,
    status: 0,
  };
  requests.push(noted);
  const writeHead = response.writeHead.bind(response) as (...args: unknown[]) => ServerResponse;
  response.writeHead = ((status: number, ...rest: unknown[]) => {
    noted.status = status;
    return writeHead(status, ...rest);
  }) as typeof response.writeHead;
}
