/** The time in ms after which a request without an answer raises the doubt that the connection is lost. */
const doubtMs = 2_000;

const listeners = new Set<() => void>();

/**
 * Calls `listener` when a request of the page has no answer for 2 s, and when it fails without an answer of the service.
 * @returns a function that ends this.
 */
export function onUnanswered(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Waits for a response, and reports a missing one to the listeners. */
export async function watchAnswer(ask: () => Promise<Response>, signal?: AbortSignal | null): Promise<Response> {
  const report = () => {
    for (const listener of listeners) listener();
  };
  const timer = setTimeout(report, doubtMs);
  try {
    const response = await ask();
    // A proxy answers 502 to 504 if it cannot reach the service.
    if (response.status > 500) report();
    return response;
  } catch (error) {
    if (!signal?.aborted) report();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
