/** Every path of the service begins with this. */
export const prefix = '/evaluator';

/** Where a batch is. */
export const batchPathOf = (id: string): string => `${prefix}/v1/evaluation/batch/${id}`;
