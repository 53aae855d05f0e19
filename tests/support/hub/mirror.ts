import { listen } from './listen.ts';
import { type HubRequest, note } from './requests.ts';

/** A mirror that sends everybody on to the hub, as public ones do. */
export async function startMirror(
  hub: { url: string; requests: HubRequest[] },
  status: 302 | 307 | 308,
): Promise<string> {
  return await listen((request, response) => {
    note(hub.requests, 'mirror', request, response);
    response.writeHead(status, { location: `${hub.url}${request.url}` }).end();
  });
}
