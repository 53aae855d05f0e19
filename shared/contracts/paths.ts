/** Every path of the service begins with this. */
export const prefix = '/evaluator';

/** Where a batch is. */
export const batchPathOf = (id: string): string => `${prefix}/v1/evaluation/batch/${id}`;

/** Where everything of a batch is. */
export function linksOfBatch(id: string) {
  const self = batchPathOf(id);
  return {
    self,
    results: `${self}/results`,
    summary: `${self}/summary`,
    events: `${self}/events`,
    cancel: `${self}/cancel`,
    retry: `${self}/retry`,
  };
}
