import type { Logger } from './log.ts';

/** Every change of state that is logged for an audit. */
export type AuditAction =
  | `batch.${'posted' | 'cancelled' | 'deleted' | 'retried'}`
  | `canary.${'promoted' | 'rolled_back' | 'restarted'}`
  | `key.${'added' | 'changed' | 'rotated' | 'removed'}`
  | `session.${'started' | 'ended'}`
  | 'models.reloaded';

/** Who or what made a change that no request asked for. */
export type AuditActor = 'key_file' | 'registry_file' | 'canary_guard';

/** What was changed, and by whom. Values of `undefined` are left out. */
export interface AuditSubject {
  by?: AuditActor;
  [name: string]: string | string[] | number | null | undefined;
}

/** Logs one change of state. */
export type Audit = (action: AuditAction, subject: AuditSubject) => void;

/**
 * One line for each change of state, apart from the log of requests by `"audit":true`. `LOG_LEVEL` does not take these
 * lines away, unless it is `silent`.
 */
export function createAudit(log: Logger): Audit {
  const lines = log.child({ audit: true }, log.level === 'silent' ? {} : { level: 'info' });
  return (action, subject) => lines.info({ action, ...subject }, 'audit');
}
