import type { Judgement, SampleCounts } from '../shared/contracts/batch/judgement.ts';
import type { ResultsPage } from '../shared/contracts/batch/results.ts';
import type { BatchStatus } from '../shared/contracts/batch/status.ts';
import type { EmbeddingsResponse } from '../shared/contracts/embeddings.ts';
import type { Health } from '../shared/contracts/health.ts';
import type { ModelInfo } from '../shared/contracts/models.ts';
import type { OpenAiBatch } from '../shared/contracts/openai-batches.ts';
import type { OpenAiFile } from '../shared/contracts/openai-files.ts';
import { linksOfBatch } from '../shared/contracts/paths.ts';
import type { RankResponse } from '../shared/contracts/rank.ts';
import type { Session } from '../shared/contracts/session.ts';
import type { SingleResponse } from '../shared/contracts/single.ts';
import { type Code, codes } from '../shared/errors.ts';
import { version } from '../shared/version.ts';
import { trafficExample } from './openapi-traffic.ts';

const receipt = {
  model: 'compact-1',
  revision: '1',
  precision: 'fp32',
  provider: 'cpu',
  preprocess: 'pillow-bicubic-3-exact',
  textCleaning: 'none-1',
  warnings: [],
};
const timings = { fetchMs: 18.5, decodeMs: 8, inferenceMs: 7.2, totalMs: 35.2 };
const id = 'a24e7b91-fb37-4ded-a6c7-2ef4d3eed8c2';

const single: SingleResponse = { score: 51.6113, cosine: 0.516113, receipt, timings };

const rank: RankResponse = {
  results: [
    { index: 1, text: 'a rocket on a launch pad', score: 45.4321, cosine: 0.454321, probability: 0.9991 },
    { index: 0, text: 'a cat', score: 10.2, cosine: 0.102, probability: 0.0009 },
  ],
  failures: [],
  probabilities: 'softmax',
  logitScale: 20,
  logitBias: null,
  receipt,
  timings,
};

const running: BatchStatus = {
  id,
  tenant: 'default',
  name: 'pairs.ndjson',
  tags: ['photos'],
  state: 'running',
  phase: 'evaluating',
  model: 'compact-1',
  revision: '1',
  precision: 'fp32',
  preprocess: 'pillow-bicubic-3-exact',
  textCleaning: 'none-1',
  longText: 'truncate',
  pairProbabilities: false,
  traffic: null,
  priority: 0,
  items: { total: 800, succeeded: 470, failed: 10, cancelled: 0, pending: 320 },
  failures: { 'image.fetch.http_status': 10 },
  itemsPerSecond: 237.2,
  etaSeconds: 2,
  createdAt: '2026-11-22T19:50:42.117Z',
  startedAt: '2026-11-22T19:50:42.160Z',
  finishedAt: null,
  expiresAt: null,
  reason: null,
  waitingFor: null,
  failureBudget: null,
  input: null,
  inputError: null,
  files: null,
  requests: null,
  embeddings: null,
  imagesFrom: null,
  retryOf: null,
  retryStatus: null,
  retriedBy: null,
  rescoreOf: null,
  texts: 'own',
  wrongPairs: null,
  traceId: null,
  webhook: null,
  links: linksOfBatch(id),
};
const results: ResultsPage['results'] = [
  { index: 0, id: 'cat', status: 'succeeded', score: 51.6113, cosine: 0.516113 },
  {
    index: 1,
    id: 'lost',
    status: 'failed',
    error: { code: 'image.fetch.http_status', message: '404 from example.org: not found', retryable: false },
  },
];
const ended: BatchStatus = {
  ...running,
  state: 'completed_with_errors',
  phase: 'finished',
  items: { total: 2, succeeded: 1, failed: 1, cancelled: 0, pending: 0 },
  failures: { 'image.fetch.http_status': 1 },
  etaSeconds: null,
  finishedAt: '2026-11-22T19:50:45.428Z',
  expiresAt: '2026-11-25T19:50:45.428Z',
};

const extreme = {
  index: 0,
  id: 'cat',
  cosine: 0.516113,
  score: 51.6113,
  text: 'a cat looking at the camera',
  image: 'https://example.org/cat.jpg',
};

const judgement: Judgement = {
  sample: '0f6a3f0e-7f0a-4a53-9d0c-0f5f3f5d8c11',
  threshold: 24.5,
  edges: [0, 24.5, 27],
  pairs: [{ ...extreme, label: 'right' }],
};
const sampleCounts: SampleCounts = { sample: judgement.sample ?? '', right: 1, wrong: 0, open: 0 };

const embeddings: EmbeddingsResponse = {
  object: 'list',
  data: [{ object: 'embedding', index: 0, embedding: [0.0123, -0.0456, 0.0789] }],
  model: 'compact-1',
  usage: { prompt_tokens: 4, total_tokens: 4 },
};

const model: ModelInfo = {
  model: 'compact-1',
  profiles: ['compact'],
  default: true,
  description: 'Embedded dual encoder for everyday photos.',
  revision: '1',
  source: '/srv/vls/models/compact',
  family: 'compact',
  probabilities: 'softmax',
  logitScale: 20,
  logitBias: null,
  dimensions: 384,
  contextLength: 128,
  state: 'loaded',
  verified: true,
  precision: 'fp32',
  provider: 'cpu',
  choice: 'cpu: DEVICE=cpu; fp32: the default',
  memoryBytes: 290000000,
  encoders: { ready: 2, configured: 2, threads: 1, restarts: 0 },
  microBatch: 1,
  speed: { measuredImagesPerSecond: null, stated: null },
  pullCommand: null,
  pull: null,
  detail: null,
};

const health: Health = {
  status: 'ok',
  version,
  uptimeSeconds: 6,
  redis: { status: 'ok', fault: null, server: 'Redis', version: '7.0.15', durability: 'always', detail: null },
  models: [
    {
      model: 'compact-1',
      revision: '1',
      state: 'ready',
      encoders: { ready: 2, configured: 2, restarts: 0 },
      detail: null,
    },
  ],
  settings: [],
  workers: 1,
  queues: [{ name: 'evaluate-compact', waiting: 0, active: 0, failed: 0, workers: 1 }],
};
const loading: Health = { ...health, status: 'unavailable', models: [] };

const session: Session = { keysRequired: true, authenticated: true, tenant: 'acme', role: 'tenant' };

const openAi = { id: model.model, object: 'model', created: 0, owned_by: model.source };

const storedFile: OpenAiFile = {
  id: 'file-5d0cfa2b-7c4c-4f7f-9d32-8b1d6f0a3c11',
  object: 'file',
  bytes: 1_024,
  created_at: 1_795_740_000,
  expires_at: 1_795_999_200,
  filename: 'requests.jsonl',
  purpose: 'batch',
  status: 'processed',
};
const requestBatch: OpenAiBatch = {
  id: `batch_${id}`,
  object: 'batch',
  endpoint: '/v1/embeddings',
  model: 'compact-1',
  errors: null,
  input_file_id: storedFile.id,
  completion_window: '24h',
  status: 'completed',
  output_file_id: `file-output-${id}`,
  error_file_id: null,
  created_at: 1_795_740_000,
  in_progress_at: 1_795_740_000,
  expires_at: 1_795_999_200,
  finalizing_at: null,
  completed_at: 1_795_740_003,
  failed_at: null,
  expired_at: null,
  cancelling_at: null,
  cancelled_at: null,
  request_counts: { total: 2, completed: 2, failed: 0 },
  metadata: null,
};
const listOfOne = { object: 'list', has_more: false };

/** JSON examples by operation and HTTP status. */
export const responseExamples: Readonly<Record<string, Readonly<Record<string, object>>>> = {
  scoreSingle: { 200: single },
  rank: { 200: rank },
  createEmbeddings: { 200: embeddings },
  createEmbeddingsAtRoot: { 200: embeddings },
  score: {
    200: {
      id: 'score-2f8a0c1e-6f0b-4b52-8d0e-7c5a1c6a1a11',
      object: 'list',
      created: 1_795_740_000,
      model: 'compact-1',
      data: [{ index: 0, object: 'score', score: 0.516113 }],
      usage: { prompt_tokens: 4, total_tokens: 4, completion_tokens: 0 },
    },
  },
  createFile: { 200: storedFile },
  listFiles: { 200: { ...listOfOne, data: [storedFile], first_id: storedFile.id, last_id: storedFile.id } },
  getFile: { 200: storedFile },
  deleteFile: { 200: { id: storedFile.id, object: 'file', deleted: true } },
  createRequestBatch: { 200: requestBatch },
  listRequestBatches: {
    200: { ...listOfOne, data: [requestBatch], first_id: requestBatch.id, last_id: requestBatch.id },
  },
  getRequestBatch: { 200: requestBatch },
  cancelRequestBatch: { 200: requestBatch },
  listOpenAiModels: { 200: { object: 'list', data: [openAi] } },
  getOpenAiModel: { 200: openAi },
  postBatch: { 200: { ...ended, results }, 202: running },
  listBatches: { 200: { batches: [running], next: null } },
  getBatch: { 200: running },
  changeBatch: { 200: { ...ended, tags: ['photos', 'november'] } },
  cancelBatch: { 200: ended },
  retryBatch: { 202: { ...running, retryOf: 'ca3d7e5c-4624-46a9-b38c-0f302690a8ab', retryStatus: ['failed'] } },
  rescoreBatch: { 202: { ...running, rescoreOf: 'ca3d7e5c-4624-46a9-b38c-0f302690a8ab', texts: 'others' } },
  getBatchResults: { 200: { results, next: null } },
  getBatchSummary: {
    200: {
      id,
      state: 'completed_with_errors',
      succeeded: 1,
      mean: { cosine: 0.516113, score: 51.6113 },
      histogram: [{ from: 0.515, to: 0.5175, count: 1 }],
      percentiles: [{ percent: 50, cosine: 0.516113, score: 51.6113 }],
      percentilesExact: true,
      lowest: [extreme],
      highest: [extreme],
      formulaCells: 0,
    },
  },
  compareBatches: {
    200: {
      id,
      other: '679b4a12-277d-4fff-a519-ded7c7449b8d',
      items: 2,
      compared: 1,
      unmatched: { onlyThis: { items: 0, reaching: 0 }, onlyOther: { items: 0, reaching: 0 } },
      rankCorrelation: null,
      meanDifference: 21.4,
      meanAbsoluteDifference: 21.4,
      sides: { threshold: 40, otherThreshold: 28, both: 1, onlyThis: 0, onlyOther: 0, neither: 0 },
      bins: { width: 0.1, otherWidth: 0.1, cells: [{ from: 51.6, otherFrom: 30.2, count: 1 }] },
      disagreements: { higherHere: [], higherThere: [] },
    },
  },
  getJudgement: { 200: judgement },
  startSample: { 200: { ...sampleCounts, right: 0, open: 3 } },
  setLabels: { 200: sampleCounts },
  listModels: { 200: { object: 'list', data: [openAi], models: [model], fault: null } },
  getModel: { 200: openAi },
  listTraffic: { 200: { profiles: [trafficExample] } },
  getTraffic: { 200: trafficExample },
  decideCanary: { 200: trafficExample },
  getSession: { 200: session },
  signIn: { 200: session },
  getHealth: { 200: health, 503: loading },
};

export const problemExamples = Object.fromEntries(
  Object.entries(codes).map(([code, { status, title, retryable }]) => [
    code,
    {
      summary: `${title}${retryable ? '; a retry may succeed' : ''}`,
      value: {
        type: `urn:vls:problem:${code as Code}`,
        title,
        status,
        code,
        detail: title,
        requestId: 'b6f3be58-f2c4-4011-a534-4b7a85c8c1ae',
      },
    },
  ]),
);
