import { createHmac } from 'node:crypto';
import { type Code, codes, ServiceError } from '../../shared/errors.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import { redisTime } from '../../shared/redis/time.ts';
import type { Redis } from '../../shared/redis.ts';
import { type BatchRecord, batchRecord, toStatus } from '../store/record.ts';
import { setFields } from '../store/set-fields.ts';

/** A receiver that is being moved may have no name for some minutes. */
const mayComeBack = (code: Code): boolean => codes[code].retryable || code === 'image.fetch.unknown_host';

export interface WebhookAnswer {
  status: number;
  /** Milliseconds until the retry that the header `Retry-After` requests. */
  retryAfterMs?: number | undefined;
}

/**
 * Sends a webhook.
 * @throws {ServiceError} for a forbidden address; another error when the receiver cannot be reached.
 */
export type PostWebhook = (url: string, body: string, headers: Record<string, string>) => Promise<WebhookAnswer>;

/**
 * The result of an attempt. `refused`: further attempts are useless. `later`: the receiver asks for a retry after
 * `inMs` ms. A transient failure is thrown instead.
 */
export type Delivered =
  | { state: 'delivered' }
  | { state: 'refused'; reason: string }
  | { state: 'later'; inMs: number };

/** The maximum delay in ms that a receiver may request. Longer delays are reduced to it. */
const longestWaitMs = 3_600_000;
/** Includes attempts that the receiver has asked to repeat. */
const maxAttempts = 10;
/** According to Standard Webhooks, a receiver that answers 410 (Gone) wants no more webhooks. */
const gone = 410;
/** The HTTP statuses with which a receiver may request a later retry through `Retry-After`. */
const putOff = new Set([429, 503]);

/**
 * Sends the final status of a batch to its webhook receiver, signed according to Standard Webhooks: HMAC-SHA256 over
 * `id.timestamp.body`.
 * @param secret `whsec_` followed by base64.
 */
export async function deliverWebhook(
  redis: Redis,
  batchId: string,
  isLast: boolean,
  secret: string,
  post: PostWebhook,
): Promise<Delivered> {
  const keys = batchKeys(redis, batchId);
  const hash = await redis.hgetall(keys.batch);
  if (Object.keys(hash).length === 0) return { state: 'delivered' };
  const record = batchRecord.parse(hash);
  if (record.webhookUrl === undefined || record.webhookState !== 'pending') return { state: 'delivered' };
  const body = bodyOf(record, await redis.hgetall(keys.failures));
  // Equal for every attempt, so that a receiver recognises repeated deliveries.
  const id = `batch-${batchId}`;
  const timestamp = String(Math.floor((await redisTime(redis)) / 1000));
  const attempts = (record.webhookAttempts ?? 0) + 1;
  const mayRepeat = !isLast && attempts < maxAttempts;
  const headers = {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${sign(secret, `${id}.${timestamp}.${body}`)}`,
  };
  let answer: WebhookAnswer;
  try {
    answer = await post(record.webhookUrl, body, headers);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof ServiceError && !mayComeBack(error.code)) return await refused(reason);
    await write(mayRepeat ? 'pending' : 'failed', reason);
    throw error;
  }
  const { status, retryAfterMs } = answer;
  if (status >= 200 && status <= 299) {
    await write('delivered', '');
    return { state: 'delivered' };
  }
  const reason = `${status} from ${new URL(record.webhookUrl).host}`;
  if (status === gone) return await refused(reason);
  await write(mayRepeat ? 'pending' : 'failed', reason);
  if (!mayRepeat || retryAfterMs === undefined || !putOff.has(status)) throw new Error(reason);
  return { state: 'later', inMs: Math.min(longestWaitMs, retryAfterMs) };

  async function refused(reason: string): Promise<Delivered> {
    await write('failed', reason);
    return { state: 'refused', reason };
  }

  async function write(state: 'pending' | 'delivered' | 'failed', reason: string): Promise<void> {
    const webhookError = reason.slice(0, 300);
    await setFields(redis, batchId, { webhookAttempts: attempts, webhookState: state, webhookError });
  }
}

/**
 * Returns the status of the batch at its end. All bodies with the same `webhook-id` must be equal, so fields that
 * change after the end have their earlier values.
 */
function bodyOf(record: BatchRecord, failures: Record<string, string>): string {
  const atEnd = {
    ...record,
    webhookAttempts: 0,
    webhookState: 'pending' as const,
    webhookError: '',
    retriedBy: undefined,
    wrongPairs: undefined,
  };
  const status = toStatus(atEnd, failures, 0, record.finishedAt ?? 0);
  return JSON.stringify({ type: `batch.${record.state}`, timestamp: status.finishedAt, data: status });
}

const sign = (secret: string, content: string): string =>
  createHmac('sha256', Buffer.from(secret.replace(/^whsec_/, ''), 'base64'))
    .update(content)
    .digest('base64');
