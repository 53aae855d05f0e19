import type { Request, Response } from 'express';
import type { Audit, AuditAction, AuditSubject } from '../../shared/audit.ts';
import { addressOf } from './owner.ts';
import { type Principal, principalOf } from './principal.ts';

/**
 * Writes an audit log entry about a change that a request made.
 * @param who the caller, when none is attached to the request yet, as at a sign-in.
 */
export type RequestAudit = (
  request: Request,
  response: Response,
  action: AuditAction,
  subject?: AuditSubject,
  who?: Principal,
) => void;

export const createRequestAudit =
  (audit: Audit): RequestAudit =>
  (request, response, action, subject = {}, who = principalOf(request)) =>
    audit(action, {
      tenant: who?.tenant,
      role: who?.role,
      keyId: who?.keyId ?? undefined,
      via: who?.via,
      address: addressOf(request),
      requestId: response.locals['requestId'],
      ...subject,
    });
