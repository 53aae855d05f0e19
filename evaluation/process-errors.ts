import { type Code, ServiceError } from '../shared/errors.ts';

const codes = new Set<Code>(['model.unavailable', 'overloaded']);

/** Returns true for errors of this process, which do not depend on the input. */
export const isProcessError = (error: unknown): boolean => error instanceof ServiceError && codes.has(error.code);
