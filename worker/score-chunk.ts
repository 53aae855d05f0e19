import { hash } from 'node:crypto';
import type { Chunks, Picked } from '../batches/lifecycle/chunks.ts';
import type { HandBack } from '../batches/queue/chunk-consumer.ts';
import type { StoredImages } from '../batches/reading/stored-images.ts';
import type { PairEmbeddings } from '../batches/store/embeddings.ts';
import type { JobData, StoredItem } from '../batches/store/payload.ts';
import type { Line, LineOutcome } from '../evaluation/answer-lines.ts';
import type { Pair } from '../evaluation/outcome.ts';
import { itemError, ServiceError } from '../shared/errors.ts';
import type { RoutedOutcome } from '../traffic/shared-evaluation.ts';
import type { Traffic } from '../traffic/traffic.ts';
import type { HandingBack } from './hand-back.ts';
import { type NetworkFault, networkEvidence } from './network-fault.ts';
import type { StoppedBatches } from './stopped-batches.ts';

export interface ChunkScoringDeps {
  chunks: Pick<Chunks, 'block' | 'release'>;
  traffic: Pick<Traffic, 'scorePairs' | 'answerLines'>;
  /** Aborts when the worker stops. Chunks in flight then return to the queue. */
  stopping: AbortSignal;
  stoppedBatches: Pick<StoppedBatches, 'follow'>;
  network: NetworkFault;
  handBack: HandingBack;
  storedImages: StoredImages;
}

/** The number of starts of a chunk after which unreachable image hosts count as errors of the items. */
const startsWithoutNetwork = 3;
/**
 * The number of starts of a chunk after which an item whose model cannot be used fails, so that the others need not
 * wait.
 */
const startsWithoutModel = 3;

/**
 * Scores the items of a chunk. Without outcomes it first releases the chunk, so that a worker can take it again.
 * @returns a hand-back, which returns the chunk to the queue, when this worker cannot score it now; `stopped` when the
 * batch was stopped.
 */
export async function scoreChunk(
  { chunks, traffic, stopping, stoppedBatches, network, handBack, storedImages }: ChunkScoringDeps,
  job: JobData,
  { pinned, input, keeps, imagesFrom }: Pick<Picked & { verdict: 'run' }, 'pinned' | 'input' | 'keeps' | 'imagesFrom'>,
  starts: number,
): Promise<ScoredChunk | HandBack | { stopped: true }> {
  /** Returns the pairs of the items. With stored images of an earlier batch, an image is the index of an item there. */
  async function toPairs(): Promise<Pair[]> {
    const { items } = input;
    if (imagesFrom === undefined) return items.map(toPair);
    const images = items.map(({ image }) => (typeof image === 'string' ? image : ''));
    const stored = await storedImages.read(job.tenant, imagesFrom, images);
    return items.map((item, at) => {
      if ('error' in item) return { error: item.error };
      const image = stored[at];
      return image instanceof Float32Array
        ? { embedding: image, text: item.text }
        : { error: image ?? itemError('internal', 'The stored image was not read') };
    });
  }

  const batch = stoppedBatches.follow(job.batchId);
  let outcomes: ItemOutcome[];
  let embeddings: ScoredChunk['embeddings'] = [];
  let contentHashes: ScoredChunk['contentHashes'] = [];
  try {
    const { tenant, batchId } = job;
    const common = { tenant, signal: AbortSignal.any([stopping, batch.signal]) };
    const embedded = new Map<Pair, PairEmbeddings>();
    const hashes = new Map<Pair, string>();
    const isOfRequests = input.items.some((item) => 'request' in item);
    const pairs = isOfRequests ? [] : await toPairs();
    const scored = isOfRequests
      ? await traffic.answerLines(pinned, input.items.map(toLine), common)
      : await traffic.scorePairs(pinned, pairs, {
          ...common,
          onScored(pair, { contentHash, ...both }) {
            if (contentHash !== undefined) hashes.set(pair, contentHash);
            if (keeps?.embeddings !== undefined) embedded.set(pair, both);
          },
          longText: pinned.longText,
          batchId,
          mayLackModels: starts >= startsWithoutModel,
        });
    if ('difference' in scored) {
      await chunks.block(job, `no worker has the model of this batch; this worker has ${scored.difference}`);
      await chunks.release(job);
      return handBack.forOtherWorker(`this worker has ${scored.difference}`);
    }
    outcomes = scored;
    embeddings = pairs.map((pair) => embedded.get(pair));
    contentHashes = pairs.map((pair, at) =>
      imagesFrom !== undefined && outcomes[at]?.status === 'succeeded'
        ? storedImageHash(imagesFrom, input.items[at])
        : hashes.get(pair),
    );
  } catch (error) {
    if (batch.signal.aborted) {
      await chunks.release(job);
      return { stopped: true };
    }
    // An error of this worker does not concern the items. They are scored later.
    if (!(error instanceof ServiceError)) throw error;
    const isModel = error.code === 'model.unavailable';
    if (isModel) await chunks.block(job, error.message);
    await chunks.release(job);
    const reason = `${error.code}: ${error.message}`;
    return isModel ? handBack.forModel(reason) : handBack.forWorker(reason);
  } finally {
    batch.end();
  }
  const evidence = networkEvidence(input.items, outcomes);
  network.add(job.tenant, evidence);
  if (evidence !== 'lost' || starts >= startsWithoutNetwork) return { outcomes, embeddings, contentHashes };
  await chunks.release(job);
  return network.isForAll()
    ? handBack.forWorker('this worker cannot reach any image host')
    : handBack.forChunk('this worker cannot reach any image host of the tenant');
}

/** The outcomes, embeddings and hashes of a chunk, in the order of the items. */
export interface ScoredChunk {
  outcomes: ItemOutcome[];
  /** Empty if the batch stores no embeddings; undefined for an item without a score. */
  embeddings: (PairEmbeddings | undefined)[];
  /** The SHA-256 of the bytes of each image in base64; undefined for an item without a score. */
  contentHashes: (string | undefined)[];
}

/** The outcome of a pair, or of a request to the OpenAI-compatible interface. */
export type ItemOutcome = RoutedOutcome | LineOutcome;

/** Returns a substitute for the hash of the bytes of a stored image, equal for the same image. */
const storedImageHash = (imagesFrom: string, item: StoredItem | undefined): string | undefined =>
  typeof item?.image === 'string' ? hash('sha256', `${imagesFrom} ${Number(item.image)}`, 'base64') : undefined;

const toLine = (item: StoredItem): Line => {
  if ('error' in item) return { error: item.error };
  return item.request ?? { error: itemError('internal', 'The line has no request') };
};
const toPair = (item: StoredItem): Pair =>
  'error' in item ? { error: item.error } : { image: item.image, text: item.text };
