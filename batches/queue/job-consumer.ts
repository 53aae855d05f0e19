export interface JobConsumer {
  /**
   * Takes no more jobs, and finishes the jobs in flight or returns them to the queue.
   * @param force closes without waiting. Jobs in flight then return when their locks expire.
   */
  close(force?: boolean): Promise<void>;
}
