import { ServiceError } from '../../shared/errors.ts';

export function unreadable(reason: string, cause?: unknown): ServiceError {
  const message = `cannot be read as Parquet: ${reason}`;
  return new ServiceError('request.invalid', `The file ${message}`, { cause, faults: [{ path: 'file', message }] });
}
