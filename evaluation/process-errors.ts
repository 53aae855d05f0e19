import { type Code, ServiceError } from '../shared/errors.ts';

const codes = new Set<Code>(['model.unavailable', 'overloaded']);

/** Whether an error says something about this process and nothing about the input. */
export const isProcessError = (error: unknown): boolean => error instanceof ServiceError && codes.has(error.code);
