import type { Logger } from './log.ts';

/** A change of state that is logged for an audit. */
export type AuditAction =
  | `batch.${'posted' | 'changed' | 'cancelled' | 'deleted' | 'retried' | 'rescored'}`
  | `file.${'stored' | 'deleted'}`
  | `canary.${'promoted' | 'rolled_back' | 'restarted'}`
  | `key.${'added' | 'changed' | 'rotated' | 'removed'}`
  | `session.${'started' | 'ended'}`
  | 'models.reloaded';

/** The cause of a change that was not made by a request. */
export type AuditActor = 'key_file' | 'registry_file' | 'canary_guard';

/** The object that was changed, and who or what changed it. `undefined` values are left out. */
export interface AuditSubject {
  by?: AuditActor;
  [name: string]: string | string[] | number | null | undefined;
}

/** Logs one change of state. */
export type Audit = (action: AuditAction, subject: AuditSubject) => void;

/**
 * Creates a log with one line for each change of state, marked by `"audit":true`. `LOG_LEVEL` does not suppress these
 * lines, unless it is `silent`.
 */
export function createAudit(log: Logger): Audit {
  const lines = log.child({ audit: true }, log.level === 'silent' ? {} : { level: 'info' });
  return (action, subject) => lines.info({ action, ...subject }, 'audit');
}
