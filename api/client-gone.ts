import type { Response } from 'express';
import { ServiceError } from '../shared/errors.ts';

/** Returns a signal that aborts when the client disconnects before its response is complete. */
export function clientGone(response: Response): AbortSignal {
  const controller = new AbortController();
  const onClose = () => {
    if (!response.writableFinished)
      controller.abort(new ServiceError('request.aborted', 'The client closed the connection'));
  };
  if (response.closed) onClose();
  else response.on('close', onClose);
  return controller.signal;
}
