import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import express, { type Express, type Request, Router } from 'express';
import type { Batches } from '../batches/batches.ts';
import type { Files } from '../batches/files/files.ts';
import type { Queues } from '../batches/queue/queues.ts';
import type { Evaluation } from '../evaluation/evaluation.ts';
import { createPendingBudget } from '../formats/pending-budget.ts';
import type { Encoders } from '../models/pool/encoders.ts';
import type { Registry } from '../models/registry/registry.ts';
import { createAudit } from '../shared/audit.ts';
import type { Config } from '../shared/config.ts';
import { prefix } from '../shared/contracts/paths.ts';
import { ServiceError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import type { Metrics } from '../shared/metrics.ts';
import type { RedisWatch } from '../shared/redis/watch.ts';
import type { Redis } from '../shared/redis.ts';
import type { Traffic } from '../traffic/traffic.ts';
import { createAccess, requireOperator } from './access/authenticate.ts';
import { type BoundaryConfig, createBoundary } from './access/boundary.ts';
import { createCors } from './access/cors.ts';
import type { KeyRing } from './access/key-ring.ts';
import { createLimits } from './access/limits.ts';
import { createOpenStreams } from './access/open-streams.ts';
import { createRateLimit } from './access/rate-limit.ts';
import { createRequestAudit } from './access/request-audit.ts';
import { createSessions } from './access/sessions.ts';
import { answerWithSignIn } from './access/sign-in-page.ts';
import { streamFormat } from './batch-body.ts';
import { docsRouter } from './docs.ts';
import { createLargeResponses } from './large-responses.ts';
import { createAdmission } from './middleware/admission.ts';
import { createBodyBudget } from './middleware/body-budget.ts';
import { observeRequests } from './middleware/observe.ts';
import { createPressureGuard } from './middleware/pressure.ts';
import { answerProblems, routeNotFound } from './middleware/problems.ts';
import { keepPrivate, securityHeaders } from './middleware/security-headers.ts';
import { shareConnections } from './middleware/share-connections.ts';
import { createUploads } from './middleware/uploads.ts';
import { createOpenApi } from './openapi.ts';
import { queueBoard } from './queue-board.ts';
import type { Route } from './route.ts';
import { batchEmbeddingRoutes } from './routes/batch-embeddings.ts';
import { batchImageRoutes } from './routes/batch-images.ts';
import { batchRoutes } from './routes/batches.ts';
import { embeddingsRoutes } from './routes/embeddings.ts';
import { healthRoutes } from './routes/health.ts';
import { judgementRoutes } from './routes/judgement.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { modelRoutes } from './routes/models.ts';
import { openAiRoutes } from './routes/openai/index.ts';
import { rankRoutes } from './routes/rank.ts';
import { resultRoutes } from './routes/results.ts';
import { sessionRoutes } from './routes/session.ts';
import { singleRoutes } from './routes/single.ts';
import { trafficRoutes } from './routes/traffic.ts';

type AppConfig = BoundaryConfig &
  Pick<
    Config,
    'imageMaxBytes' | 'webhookSecret' | 'webhookHostsAllow' | 'webhookHostsDeny' | 'metricsToken' | 'trustedProxies'
  >;

export interface AppDeps {
  registry: Registry;
  evaluation: Evaluation;
  encoders: Encoders;
  traffic: Traffic;
  batches: Batches;
  files: Files;
  queues: Queues;
  redis: Redis;
  redisWatch: RedisWatch;
  keys: KeyRing;
  metrics: Metrics;
  log: Logger;
  config: AppConfig;
  version: string;
  isDraining: () => boolean;
  /** Returns true for a request on a connection beyond the configured maximum. */
  isSurplus: (request: Request) => boolean;
}

/** Routes for new work, refused while the process is overloaded. */
const newWork = ['/v1/evaluation/single', '/v1/evaluation/rank', '/v1/evaluation/batch', '/v1/embeddings'];
const newWorkAtRoot = ['/v1/embeddings', '/v1/score', '/v1/files', '/v1/batches'];
/** Routes with large responses, refused while the process is overloaded. */
const largeAnswers = [
  '/v1/evaluation/batch',
  '/v1/evaluation/batch/:id/results',
  '/v1/evaluation/batch/:id/embeddings',
  '/v1/evaluation/batch/:id/images/:index',
];

/** The built web page, written by `web/build.ts`. */
const webRoot = fileURLToPath(new URL('../web/dist/', import.meta.url));

export function createApp(deps: AppDeps): Express {
  const { config, encoders, keys, redis } = deps;
  const sessions = createSessions(redis);
  const access = createAccess({ keys, sessions, config });
  const readyEncoders = () => encoders.states().reduce((sum, { ready }) => sum + ready, 0);
  const admission = createAdmission({ encoders: readyEncoders });
  const openStreams = createOpenStreams(access, keys.required);
  const largeResponses = createLargeResponses();
  const scoring = { ...deps, admission, largeResponses };
  const audit = createRequestAudit(createAudit(deps.log));
  const intake = { limitsOf: createLimits(keys.required), pendingBudget: createPendingBudget() };
  const routes = [
    ...singleRoutes(scoring),
    ...batchRoutes({
      ...{ ...deps, audit, openStreams, largeResponses },
      ...intake,
    }),
    ...resultRoutes({ ...deps, openStreams, largeResponses }),
    ...judgementRoutes({ ...deps, largeResponses, audit }),
    ...batchEmbeddingRoutes({ ...deps, openStreams, largeResponses }),
    ...batchImageRoutes({ ...deps, largeResponses }),
    ...rankRoutes(scoring),
    ...embeddingsRoutes(scoring),
    ...modelRoutes(deps),
    ...trafficRoutes({ ...deps, audit }),
    ...sessionRoutes({ access, keys, sessions, audit }),
    ...healthRoutes(deps),
    ...metricsRoutes(deps.metrics),
  ];
  const rootRoutes = openAiRoutes({ ...scoring, ...intake, audit });
  const publicPaths = new Set(routes.filter((route) => route.access === 'public').map(({ path }) => path));
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.set('trust proxy', config.trustedProxies);
  app.use(securityHeaders);
  app.use(observeRequests(deps.log, deps.metrics));
  app.use(createBoundary(config));
  app.use(createCors(config));
  app.get('/', (_request, response) => response.redirect(`${prefix}/`));
  app.use(
    prefix,
    access.authenticate((path) => publicPaths.has(path)),
  );
  app.use(
    '/v1',
    access.authenticate(() => false),
  );
  app.use(dropClosed);
  app.use(shareConnections(deps));
  app.use(['/v1', `${prefix}/v1`, `${prefix}/queues`, `${prefix}/metrics`, `${prefix}/health`], keepPrivate);
  app.use(['/v1', `${prefix}/v1`], createRateLimit(redis, keys.required));
  app.use(dropClosed);
  const guard = createPressureGuard();
  app.post([...newWork.map((path) => prefix + path), ...newWorkAtRoot], guard);
  app.get(
    largeAnswers.map((path) => prefix + path),
    guard,
  );
  const budget = createBodyBudget(config);
  const uploads = createUploads();
  app.use(prefix, (request, response, next) =>
    isStreamedBatch(request) ? uploads(request, response, next) : budget(request, response, next),
  );
  app.use('/v1', (request, response, next) =>
    isFileUpload(request) ? uploads(request, response, next) : budget(request, response, next),
  );
  app.use(prefix, mount(routes));
  app.use(mount(rootRoutes));
  app.get(`${prefix}/openapi.json`, openApi([...routes, ...rootRoutes], deps.version));
  app.use(`${prefix}/docs`, docsRouter());
  app.use(`${prefix}/queues`, requireOperator, queueBoard(deps.queues, `${prefix}/queues`));
  // The file names contain a hash of the content, so these files never change.
  app.use(`${prefix}/assets`, express.static(`${webRoot}assets`, { immutable: true, maxAge: '1y', index: false }));
  app.use(prefix, express.static(webRoot, { maxAge: 0 }));
  app.use(routeNotFound);
  app.use(answerWithSignIn);
  app.use(answerProblems(deps.log));
  return app;
}

/**
 * Drops a request whose client disconnected during authentication. Later middleware would count it forever, because a
 * closed response never emits `close` again.
 */
const dropClosed: express.RequestHandler = (_request, response, next) => {
  if (!response.closed) next();
};

/** Returns true for a posted batch whose body is stored as it arrives, never in memory as a whole. */
const isStreamedBatch = (request: Request) =>
  request.method === 'POST' && batchPath.test(request.path) && streamFormat(request) !== undefined;
/** Returns true for an upload to `/v1/files`, whose body is stored as it arrives. */
const isFileUpload = (request: Request) => request.method === 'POST' && /^\/files\/?$/i.test(request.path);
/** Matches like the router: any case, with or without a trailing slash. */
const batchPath = /^\/v1\/evaluation\/batch\/?$/i;

function mount(routes: readonly Route[]): Router {
  const router = Router();
  const methods = new Map<string, string[]>();
  for (const { method, path, access, handlers } of routes) {
    const pattern = path.replace(/\{(\w+)\}/g, ':$1');
    const name = (_request: unknown, response: { locals: Record<string, unknown> }, next: () => void) => {
      response.locals['route'] = path;
      next();
    };
    router[method](pattern, name, ...(access === 'operator' ? [requireOperator] : []), ...handlers);
    methods.set(pattern, [...(methods.get(pattern) ?? []), method.toUpperCase()]);
  }
  for (const [pattern, allowed] of methods) {
    router.all(pattern, (request, response) => {
      response.setHeader('Allow', allowed.join(', '));
      throw new ServiceError(
        'route.method_not_allowed',
        `${request.method} is not supported on this path; use ${allowed.join(', ')}`,
      );
    });
  }
  return router;
}

/** Serves the OpenAPI document, which is built at the first request: that takes tens of ms. */
function openApi(routes: readonly Route[], version: string): express.RequestHandler {
  let document: { body: Buffer; etag: string } | undefined;
  return (_request, response) => {
    if (document === undefined) {
      const body = Buffer.from(JSON.stringify(createOpenApi(routes, version)));
      document = { body, etag: `"${createHash('sha256').update(body).digest('base64url')}"` };
    }
    // All responses share one buffer, so a client that does not read costs no memory for a copy.
    response.type('application/json').set('ETag', document.etag).send(document.body);
  };
}
