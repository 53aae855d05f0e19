/** Takes jobs from a queue until it is closed. */
export interface JobConsumer {
  /**
   * Takes no more jobs, and finishes the jobs in flight or returns them to the queue.
   * @param force true to close without waiting. Jobs in flight then return to the queue when their locks expire.
   */
  close(force?: boolean): Promise<void>;
}
