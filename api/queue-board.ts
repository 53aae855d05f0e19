import type { RequestHandler, Response } from 'express';
import type { Queues } from '../batches/queue/queues.ts';
import { ServiceError } from '../shared/errors.ts';
import { maintenanceQueueName, taskQueues, webhookQueueName } from '../shared/redis/keys.ts';

/**
 * Serves Bull Board, a page that shows the queues. It is read-only, because the service restores deleted jobs, and
 * retried jobs find their items already evaluated.
 */
export function queueBoard(queues: Queues, path: string): RequestHandler {
  let board: Promise<Board> | undefined;
  return (request, response, next) => {
    if (!queues.isReachable()) {
      throw new ServiceError('queue.unavailable', 'The queues cannot be shown: Redis cannot be reached', {
        retryAfter: 2,
      });
    }
    board ??= createBoard(path);
    withoutForeignFonts(response);
    board.then(({ handler, show }) => {
      show(queues.all());
      handler(request, response, next);
    }, next);
  };
}

/** Removes the link to fonts on another host, which the content security policy would block with an error. */
function withoutForeignFonts(response: Response): void {
  const render = response.render.bind(response);
  response.render = (view: string, options?: object) =>
    render(view, options ?? {}, (error: Error, html: string) => {
      if (error) throw error;
      response.send(html.replace(/<link [^>]*fonts\.googleapis\.com[^>]*>/g, ''));
    });
}

interface Board {
  handler: RequestHandler;
  /** Called for each request, because each new profile adds a queue. */
  show(queues: ReturnType<Queues['all']>): void;
}

/** Returns what a queue contains, and when it has workers. Bull Board marks a queue without workers as faulty. */
function descriptionOf(queue: string): string {
  switch (queue) {
    case maintenanceQueueName:
      return 'Sweeps of the batches.';
    case webhookQueueName:
      return 'Webhooks of ended batches. It has workers if WEBHOOK_SECRET is set.';
    case taskQueues.intake:
      return 'Batches of a bucket, to read. It has workers if BATCH_BUCKETS is set.';
    case taskQueues.files:
      return 'Result files of a bucket, to write. It has workers if BATCH_BUCKETS is set.';
    default:
      return 'Chunks of batches. It has workers if a worker has the files of the model.';
  }
}

async function createBoard(path: string): Promise<Board> {
  const [{ createBullBoard }, { BullMQAdapter }, { ExpressAdapter }] = await Promise.all([
    import('@bull-board/api'),
    import('@bull-board/api/bullMQAdapter'),
    import('@bull-board/express'),
  ]);
  const adapter = new ExpressAdapter();
  adapter.setBasePath(path);
  const { setQueues } = createBullBoard({
    queues: [],
    serverAdapter: adapter,
    options: { uiConfig: { boardTitle: 'Vision-language similarity' } },
  });
  let shown: ReturnType<Queues['all']> = [];
  return {
    handler: adapter.getRouter() as RequestHandler,
    show(queues) {
      if (queues.length === shown.length && queues.every((queue, at) => queue === shown[at])) return;
      shown = queues;
      setQueues(
        queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: true, description: descriptionOf(queue.name) })),
      );
    },
  };
}
