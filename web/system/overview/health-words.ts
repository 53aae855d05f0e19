import type { Health } from '../../../shared/contracts/health.ts';

/** Describes the state of the service in a few words. */
export function statusWords({ status, redis }: Pick<Health, 'status' | 'redis'>): string {
  if (status === 'ok') return 'The service works';
  if (status === 'unavailable') return 'Nothing can be scored now';
  return redis.status === 'ok' ? 'Batches may get lost' : 'Single pairs are scored; batches are not';
}

/** Describes the state at a past time, for a service that does not answer now. */
export function pastStatusWords({ status, redis }: Pick<Health, 'status' | 'redis'>, time: string): string {
  if (status === 'ok') return `The service worked at ${time}`;
  if (status === 'unavailable') return `Nothing could be scored at ${time}`;
  return redis.status === 'ok' ? `Batches could get lost at ${time}` : `Only single pairs were scored at ${time}`;
}

/**
 * Returns the reason why nothing can be scored, with the next step. Returns undefined if something can be scored; other
 * faults have a sentence of their own in the report.
 */
export function reasonOf({ status, models }: Pick<Health, 'status' | 'models'>): string | undefined {
  if (status !== 'unavailable') return undefined;
  const namesOf = (state: Health['models'][number]['state']) =>
    models.filter((model) => model.state === state).map(({ model }) => model);
  if (namesOf('ready').length > 0)
    return 'This process is stopping: it finishes its requests, and other processes get the next ones.';
  const loading = namesOf('loading');
  if (loading.length > 0)
    return `${loading.join(', ')} ${loading.length === 1 ? 'is' : 'are'} loading. Scores follow by themselves.`;
  const failed = namesOf('failed');
  if (failed.length > 0) return `${failed.join(', ')} could not be loaded; the reason is below, under Models in use.`;
  return 'No model is loaded in this process. The tab Models shows the installed ones; the log of the service has errors.';
}
