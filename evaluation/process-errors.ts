import { type Code, ServiceError } from '../shared/errors.ts';

const codes = new Set<Code>(['model.unavailable', 'overloaded']);

/** Returns true for an error that the state of this process caused, not the input. */
export const isProcessError = (error: unknown): boolean => error instanceof ServiceError && codes.has(error.code);
