/** The prefix of all paths of the service. */
export const prefix = '/evaluator';

export const batchPathOf = (id: string): string => `${prefix}/v1/evaluation/batch/${id}`;

/** Returns the paths of a batch and of its results, events and other resources. */
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
