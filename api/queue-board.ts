import type { RequestHandler } from 'express';
import type { Queues } from '../batches/queues.ts';

/**
 * Bull Board over the service's queues, read-only: a chunk's job that is deleted by hand would be added again by the
 * sweeper, and one that is retried would only find its done bit. Loaded when somebody first looks.
 */
export function queueBoard(queues: Queues, path: string): RequestHandler {
  let board: Promise<RequestHandler> | undefined;
  return (request, response, next) => {
    board ??= createBoard(queues, path);
    board.then((handler) => handler(request, response, next), next);
  };
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
