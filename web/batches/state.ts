import type { BatchState } from '../../shared/contracts/batch.ts';

export const stateWords: Record<BatchState, [tone: 'good' | 'warn' | 'bad' | 'plain' | 'live', word: string]> = {
  accepting: ['live', 'arriving'],
  queued: ['plain', 'queued'],
  running: ['live', 'running'],
  completed: ['good', 'completed'],
  completed_with_errors: ['warn', 'completed with errors'],
  failed: ['bad', 'failed'],
  cancelled: ['plain', 'cancelled'],
};
