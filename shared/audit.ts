import type { Logger } from './log.ts';

/** A change of state in the audit log. */
export type AuditAction =
  | `batch.${'posted' | 'changed' | 'cancelled' | 'deleted' | 'retried' | 'rescored'}`
  | `batch.sample_${'started' | 'deleted'}`
  | `file.${'stored' | 'deleted'}`
  | `canary.${'promoted' | 'rolled_back' | 'restarted'}`
  | `key.${'added' | 'changed' | 'rotated' | 'removed'}`
  | `session.${'started' | 'ended'}`
  | 'models.reloaded';

/** The origin of a change that no request made: an edited key or registry file, or the guard of a canary. */
export type AuditActor = 'key_file' | 'registry_file' | 'canary_guard';

/** The changed object and what changed it. `undefined` fields are left out. */
export interface AuditSubject {
  by?: AuditActor;
  [name: string]: string | string[] | number | null | undefined;
}

export type Audit = (action: AuditAction, subject: AuditSubject) => void;

/**
 * Creates an audit log: one line per change, marked with `"audit":true`. Only the `LOG_LEVEL` `silent` suppresses it.
 */
export function createAudit(log: Logger): Audit {
  const lines = log.child({ audit: true }, log.level === 'silent' ? {} : { level: 'info' });
  return (action, subject) => lines.info({ action, ...subject }, 'audit');
}
