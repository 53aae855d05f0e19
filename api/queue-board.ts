import type { RequestHandler, Response } from 'express';
import type { Queues } from '../batches/queues.ts';
import { ServiceError } from '../shared/errors.ts';

/**
 * Bull Board over the service's queues, read-only: a chunk's job that is deleted by hand would be added again by the
 * sweeper, and one that is retried would only find its done bit. Loaded when somebody first looks.
 */
export function queueBoard(queues: Queues, path: string): RequestHandler {
  let board: Promise<RequestHandler> | undefined;
  return (request, response, next) => {
    if (!queues.isReachable()) {
      throw new ServiceError('queue.unavailable', 'Redis cannot be reached, and the queues are there', {
        retryAfter: 2,
      });
    }
    board ??= createBoard(queues, path);
    withoutForeignFonts(response);
    board.then((handler) => handler(request, response, next), next);
  };
}

/** Bull Board's page asks another host for its fonts, which the content security policy would refuse with an error. */
function withoutForeignFonts(response: Response): void {
  const render = response.render.bind(response);
  response.render = (view: string, options?: object) =>
    render(view, options ?? {}, (error: Error, html: string) => {
      if (error) throw error;
      response.send(html.replace(/<link [^>]*fonts\.googleapis\.com[^>]*>/g, ''));
    });
}

async function createBoard(queues: Queues, path: string): Promise<RequestHandler> {
  const [{ createBullBoard }, { BullMQAdapter }, { ExpressAdapter }] = await Promise.all([
    import('@bull-board/api'),
    import('@bull-board/api/bullMQAdapter'),
    import('@bull-board/express'),
  ]);
  const adapter = new ExpressAdapter();
  adapter.setBasePath(path);
  createBullBoard({
    queues: queues.all().map((queue) => new BullMQAdapter(queue, { readOnlyMode: true })),
    serverAdapter: adapter,
    options: { uiConfig: { boardTitle: 'Vision-language similarity' } },
  });
  return adapter.getRouter() as RequestHandler;
}
