/** Takes jobs from a queue until it is closed. */
export interface JobConsumer {
  /**
   * Takes no more jobs, and finishes or hands back the jobs in flight.
   * @param force true to close without waiting. Jobs in flight then return to the queue when their locks expire.
   */
  close(force?: boolean): Promise<void>;
}
