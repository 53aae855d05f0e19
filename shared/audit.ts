import type { Logger } from './log.ts';

/** A change of state that is logged for an audit. */
export type AuditAction =
  | `batch.${'posted' | 'changed' | 'cancelled' | 'deleted' | 'retried' | 'rescored'}`
  | `file.${'stored' | 'deleted'}`
  | `canary.${'promoted' | 'rolled_back' | 'restarted'}`
  | `key.${'added' | 'changed' | 'rotated' | 'removed'}`
  | `session.${'started' | 'ended'}`
  | 'models.reloaded';

/**
 * The origin of a change that was not made by a request: an edited key file, an edited registry file, or the guard of a
 * canary.
 */
export type AuditActor = 'key_file' | 'registry_file' | 'canary_guard';

/**
 * The object that was changed, and the caller or the part of the service that changed it. Fields with the value
 * `undefined` are left out.
 */
export interface AuditSubject {
  by?: AuditActor;
  [name: string]: string | string[] | number | null | undefined;
}

/** Logs one change of state. */
export type Audit = (action: AuditAction, subject: AuditSubject) => void;

/**
 * Creates an audit log: one line for each change of state, marked with `"audit":true`. `LOG_LEVEL` suppresses these
 * lines only when it is `silent`.
 */
export function createAudit(log: Logger): Audit {
  const lines = log.child({ audit: true }, log.level === 'silent' ? {} : { level: 'info' });
  return (action, subject) => lines.info({ action, ...subject }, 'audit');
}
