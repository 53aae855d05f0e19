import { createHmac } from 'node:crypto';
import { codes, ServiceError } from '../../shared/errors.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import { redisTime } from '../../shared/redis/time.ts';
import type { Redis } from '../../shared/redis.ts';
import { type BatchRecord, batchRecord, toStatus } from '../store/record.ts';
import { setFields } from '../store/set-fields.ts';

/** The response of the server that receives a webhook. */
export interface WebhookAnswer {
  status: number;
  /** The time in ms from now after which the receiver wants a retry, from its `Retry-After` header. */
  retryAfterMs?: number | undefined;
}

/**
 * Sends a webhook.
 * @throws {ServiceError} for an address that is not allowed; another error when the receiver cannot be reached.
 */
export type PostWebhook = (url: string, body: string, headers: Record<string, string>) => Promise<WebhookAnswer>;

/**
 * The result of an attempt to deliver a webhook. `refused`: further attempts are useless. `later`: the receiver has
 * asked for a retry after `inMs` ms. A transient failure has no result, because it is thrown as an error.
 */
export type Delivered =
  | { state: 'delivered' }
  | { state: 'refused'; reason: string }
  | { state: 'later'; inMs: number };

/** The maximum delay in ms that a receiver of webhooks may request. A longer delay is reduced to this value. */
const longestWaitMs = 3_600_000;
/**
 * The maximum number of attempts to deliver a webhook. Attempts that the receiver has asked to repeat later count too.
 */
const maxAttempts = 10;
/**
 * The HTTP status 410 (Gone). According to Standard Webhooks, a receiver that answers with it wants no more webhooks.
 */
const gone = 410;
/** The HTTP statuses with which a receiver may request a later retry through `Retry-After`. */
const putOff = new Set([429, 503]);

/**
 * Sends the final status of a batch to the receiver of its webhook. The message is signed according to Standard
 * Webhooks: HMAC-SHA256 over `id.timestamp.body`.
 * @param isLast true for the last attempt.
 * @param secret `whsec_` followed by base64; the receiver has the same secret.
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
  // The id is the same for every attempt, so that a receiver recognises repeated deliveries.
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
    if (error instanceof ServiceError && !codes[error.code].retryable) return await refused(reason);
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
 * Returns the body of the webhook: the status of the batch as it was at its end. All bodies with the same `webhook-id`
 * must be equal. Therefore fields that change after the end, such as the state of the webhook or the retry of the
 * batch, have the values that they had at the end.
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
