import { createHmac } from 'node:crypto';
import { redisTime } from '../shared/redis/time.ts';
import type { Redis } from '../shared/redis.ts';
import { batchKeys } from './keys.ts';
import { batchRecord, toStatus } from './record.ts';
import { runScript } from './scripts.ts';

/** Sends a webhook; resolves for an answer of 2xx, throws otherwise. */
export type PostWebhook = (url: string, body: string, headers: Record<string, string>) => Promise<void>;

/**
 * Tells a batch's receiver that it has ended, with its status as the body.
 * Signed as Standard Webhooks describes: HMAC-SHA256 over `id.timestamp.body`.
 * @param secret `whsec_` and base64, as the receiver has it.
 */
export async function deliverWebhook(
  redis: Redis,
  batchId: string,
  isLast: boolean,
  secret: string,
  post: PostWebhook,
): Promise<void> {
  const keys = batchKeys(batchId);
  const hash = await redis.hgetall(keys.batch);
  if (Object.keys(hash).length === 0) return;
  const record = batchRecord.parse(hash);
  if (record.webhookUrl === undefined || record.webhookState !== 'pending') return;
  const status = toStatus(record, await redis.hgetall(keys.failures), 0, record.finishedAt ?? 0);
  const body = JSON.stringify({ type: `batch.${record.state}`, timestamp: status.finishedAt, data: status });
  // The same for every attempt, so that a receiver knows a repetition.
  const id = `batch-${batchId}`;
  const timestamp = String(Math.floor((await redisTime(redis)) / 1000));
  const attempts = (record.webhookAttempts ?? 0) + 1;
  const headers = {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${sign(secret, `${id}.${timestamp}.${body}`)}`,
  };
  try {
    await post(record.webhookUrl, body, headers);
  } catch (error) {
    const state = isLast ? 'failed' : 'pending';
    const reason = error instanceof Error ? error.message : String(error);
    await write({ webhookAttempts: attempts, webhookState: state, webhookError: reason.slice(0, 300) });
    throw error;
  }
  await write({ webhookAttempts: attempts, webhookState: 'delivered', webhookError: '' });

  async function write(fields: Record<string, string | number>): Promise<void> {
    await runScript(redis, 'annotate', [keys.batch], Object.entries(fields).flat());
  }
}

const sign = (secret: string, content: string): string =>
  createHmac('sha256', Buffer.from(secret.replace(/^whsec_/, ''), 'base64'))
    .update(content)
    .digest('base64');
