import { resolve } from 'node:path';
import { z } from 'zod';
import { keyRecordOfEntry, tenantName } from './api-keys.ts';
import { defaultPrefix } from './redis/prefix.ts';
import { parseRedisUrl } from './redis/url.ts';
import { asFolder, parseS3Place, type S3Place } from './s3-place.ts';

/** One setting: the environment variable that carries it, its rule, and the sentence that documents it. */
interface Setting<S extends z.ZodType = z.ZodType> {
  env: string;
  /** Other names that other tools read for the same, the first that is set counting. */
  also?: readonly string[];
  schema: S;
  doc: string;
}

/** Address of the service that `npm start` runs without settings. */
export const defaultServiceUrl = 'http://127.0.0.1:8000';

const setting = <S extends z.ZodType>(
  env: string,
  schema: S,
  doc: string,
  also: readonly string[] = [],
): Setting<S> => ({
  env,
  schema,
  doc,
  also,
});

const list = z.string().transform((value) =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);
const hostsMatching = (pattern: RegExp, expected: string) =>
  list.pipe(z.array(z.string().regex(pattern, { error: ({ input }) => `${JSON.stringify(input)} is ${expected}` })));
/** `host`, `host:port`, `*.domain`, an IPv6 address, or one in brackets with a port. */
const host = /(\*\.)?[^\s/:@[\]*]+(:\d{1,5})?|[0-9a-f:.]*:[0-9a-f:.]*|\[[0-9a-f:.]+\](:\d{1,5})?/;
const allowedHosts = hostsMatching(new RegExp(`^(${host.source})$`, 'i'), 'neither host nor host:port nor *.domain');
const namedHosts = hostsMatching(
  new RegExp(`^(${host.source.replace('(\\*\\.)?', '')})$`, 'i'),
  'neither host nor host:port',
);
const deniedHosts = hostsMatching(
  new RegExp(`^(${host.source}|[0-9a-f:.]+/\\d{1,3}|\\*)$`, 'i'),
  'neither host nor host:port nor *.domain nor a block of addresses nor *',
);
const allowedHostsAndBlocks = hostsMatching(
  new RegExp(`^(${host.source}|[0-9a-f:.]+/\\d{1,3})$`, 'i'),
  'neither host nor host:port nor *.domain nor a block of addresses',
);
const path = z
  .string()
  .min(1)
  .transform((given) => resolve(given));
const flag = z.enum(['', '0', '1', 'true', 'false']).transform((value) => value === '1' || value === 'true');
const integer = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
const MB = 1024 * 1024;

/** `https://app.example.org`, `http://localhost:3000`: a scheme, a host and, unless it is the usual one, a port. */
const origins = list.pipe(
  z.array(
    z.string().refine((origin) => URL.canParse(origin) && new URL(origin).origin === origin, {
      error: ({ input }) => `${JSON.stringify(input)} is no origin such as https://app.example.org`,
    }),
  ),
);
const networks = list.pipe(
  z.array(
    z.string().regex(/^(loopback|linklocal|uniquelocal|[0-9a-f.:]+(\/\d{1,3})?)$/i, {
      error: ({ input }) => `${JSON.stringify(input)} is neither an address, nor a network such as 10.0.0.0/8`,
    }),
  ),
);

const payloadPlaces = list.pipe(
  z
    .array(
      z.string().transform((entry, context): 'redis' | S3Place => {
        const place = entry === 'redis' ? entry : parseS3Place(entry);
        if (place !== undefined) return place;
        context.addIssue(`${JSON.stringify(entry)} is neither redis nor s3://bucket/prefix`);
        return z.NEVER;
      }),
    )
    .min(1, 'names no place'),
);
/** `tenant=s3://bucket/prefix/`; `*` is every tenant, and `{tenant}` its name. */
const tenantFolders = list.pipe(
  z.array(
    z.string().transform((entry, context): TenantFolder => {
      const [, tenant = '', address = ''] = /^([^=]*)=(.*)$/s.exec(entry) ?? [];
      const place = parseS3Place(address);
      if (place !== undefined && (tenant === '*' || tenantName.safeParse(tenant).success)) {
        return { tenant, folder: asFolder(place) };
      }
      context.addIssue(`${JSON.stringify(entry)} is not of the form tenant=s3://bucket/prefix/`);
      return z.NEVER;
    }),
  ),
);

/** `/path`, or `tenant=/path`. */
const fileRoots = list.pipe(
  z.array(
    z.string().transform((entry, context): FileRoot => {
      const [, tenant, path = entry] = /^([^=/.~]+)=(.+)$/s.exec(entry) ?? [];
      if (tenant === undefined || tenantName.safeParse(tenant).success) {
        return { tenant: tenant ?? '*', path: resolve(path) };
      }
      context.addIssue(`${JSON.stringify(entry)} names no tenant; the form is /path or tenant=/path`);
      return z.NEVER;
    }),
  ),
);

/** A directory that a tenant, or every one (`*`), may read images from. */
export interface FileRoot {
  tenant: string;
  path: string;
}

/** A folder of a bucket that a tenant, or every one (`*`), may post from; its key may contain `{tenant}`. */
export interface TenantFolder {
  tenant: string;
  folder: S3Place;
}

/** Every setting of the service. The documentation's table of environment variables is made from this. */
export const settings = {
  port: setting('PORT', integer(0, 65535).default(8000), 'TCP port of the HTTP API; 0 picks a free one.'),
  host: setting('HOST', z.string().min(1).default('127.0.0.1'), 'Address the HTTP API binds to.'),
  allowAnonymous: setting(
    'ALLOW_ANONYMOUS',
    flag.default(false),
    'Set to 1 to let the API bind to an address that is not loopback although it asks for no key.',
  ),
  apiKeysFile: setting(
    'API_KEYS_FILE',
    z
      .string()
      .min(1)
      .transform((path) => resolve(path))
      .optional(),
    'File of API keys, edited by `vls keys` and read again when it changes. Once named, every request needs a key.',
  ),
  apiKeys: setting(
    'API_KEYS',
    list
      .pipe(
        z.array(
          z.string().transform((entry, context) => {
            const record = keyRecordOfEntry(entry);
            if (record !== undefined) return record;
            context.addIssue('expected id:tenant:role:hash, as `vls keys add --entry` prints it');
            return z.NEVER;
          }),
        ),
      )
      .prefault(''),
    'Comma-separated hashed API keys, for places without files; each as `vls keys add --entry` prints it.',
  ),
  metricsToken: setting(
    'METRICS_TOKEN',
    z.string().min(16, 'expected at least 16 characters').optional(),
    'Bearer token that may read /metrics and nothing else, for Prometheus where keys are needed.',
  ),
  sessionHours: setting(
    'SESSION_HOURS',
    z.coerce
      .number()
      .min(0.01)
      .max(24 * 90)
      .default(12),
    'How long a browser stays signed in, in hours.',
  ),
  allowedHosts: setting(
    'ALLOWED_HOSTS',
    z.union([z.literal('*').transform(() => ['*']), namedHosts]).prefault(''),
    'Comma-separated names (host or host:port) that requests may give as Host, besides loopback and HOST. *: any.',
  ),
  corsOrigins: setting(
    'CORS_ORIGINS',
    origins.prefault(''),
    'Comma-separated origins of other pages whose scripts may call the API with a key.',
  ),
  trustedProxies: setting(
    'TRUSTED_PROXIES',
    networks.prefault(''),
    'Comma-separated addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.',
  ),
  maxConnections: setting(
    'MAX_CONNECTIONS',
    integer(16, 1_000_000).default(8_000),
    'Connections an API has open at a time. Beyond it the longest idle one is closed; where none is, only probes are answered.',
  ),
  tenantRequestsPerMinute: setting(
    'TENANT_REQUESTS_PER_MINUTE',
    integer(0, 10_000_000).optional(),
    'Requests a tenant may send in a minute; 0: any number. Default: 6000 with keys, any number without.',
  ),
  tenantQueuedItems: setting(
    'TENANT_QUEUED_ITEMS',
    integer(0, 1_000_000_000).optional(),
    'Items of unfinished batches a tenant may have; 0: any number. Default: 10000000 with keys, any number without.',
  ),
  tenantStreams: setting(
    'TENANT_STREAMS',
    integer(0, 1_000_000).optional(),
    'Event streams, streamed results and waiting posts a tenant may have open at one API; 0: any number. Default: 500 with keys, any number without.',
  ),
  queuedItems: setting(
    'QUEUED_ITEMS',
    integer(1, 1_000_000_000).default(100_000_000),
    'Items of unfinished batches that all tenants may have together.',
  ),
  redisUrl: setting(
    'REDIS_URL',
    z
      .string()
      .superRefine((url, context) => {
        try {
          parseRedisUrl(url);
        } catch (error) {
          context.addIssue((error as Error).message);
        }
      })
      .optional(),
    'Redis to use: redis://, redis+cluster://, redis+sentinel://, each with rediss for TLS, or a socket path. Without it `npm start` runs a Redis of its own.',
  ),
  redisPrefix: setting(
    'REDIS_PREFIX',
    z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/, 'expected 1 to 32 letters, digits, _ and -')
      .default(defaultPrefix),
    'What all keys and queues in Redis begin with. Services with different prefixes share a Redis and do not see each other; API and workers of one service need the same.',
  ),
  redisCaFile: setting(
    'REDIS_CA_FILE',
    path.optional(),
    'Certificates of the authorities that Redis must be signed by, as PEM, in place of those that Node.js trusts.',
  ),
  redisCertFile: setting(
    'REDIS_CERT_FILE',
    path.optional(),
    'Certificate that is shown to a Redis which asks its clients for one, as PEM.',
  ),
  redisKeyFile: setting('REDIS_KEY_FILE', path.optional(), 'Key of REDIS_CERT_FILE, as PEM.'),
  payloads: setting(
    'PAYLOADS',
    payloadPlaces.prefault('redis'),
    'Where items and results of batches are put: `redis`, or a folder of a bucket (s3://bucket/prefix). After a comma, others that are still read.',
  ),
  s3Endpoint: setting(
    'S3_ENDPOINT',
    z.url({ protocol: /^https?$/, error: 'expected an http or https address' }).optional(),
    'Address of an S3-compatible store that is not AWS. Region and credentials are those of the AWS SDK (AWS_REGION, AWS_ACCESS_KEY_ID, …).',
  ),
  batchBuckets: setting(
    'BATCH_BUCKETS',
    tenantFolders.prefault(''),
    'Comma-separated folders that batches may be posted from by reference, each as tenant=s3://bucket/prefix/; * is every tenant, {tenant} its name.',
  ),
  dataDir: setting(
    'DATA_DIR',
    z
      .string()
      .min(1)
      .default('.data')
      .transform((path) => resolve(path)),
    'Directory for everything the service writes: the managed Redis, pulled models, calibration.',
  ),
  modelsFile: setting(
    'MODELS_FILE',
    z
      .string()
      .min(1)
      .transform((path) => resolve(path))
      .optional(),
    'A registry file merged over the built-in models.json.',
  ),
  hfEndpoint: setting(
    'HF_ENDPOINT',
    z
      .url({ protocol: /^https?$/, error: 'expected an http or https address' })
      .default('https://huggingface.co')
      .transform((url) => url.replace(/\/+$/, '')),
    'Hub that models are pulled from; a mirror that speaks the same API will do. May carry user:password@ of a mirror.',
  ),
  hfToken: setting(
    'HF_TOKEN',
    z
      .string()
      .trim()
      .regex(/^[\x21-\x7e]+$/, 'expected printable ASCII without spaces')
      .optional(),
    'Access token for the hub, needed for gated and private repositories. It is sent to HF_ENDPOINT and, over https, to the hub alone.',
    ['HUGGING_FACE_HUB_TOKEN'],
  ),
  hfTokenPath: setting(
    'HF_TOKEN_PATH',
    path.optional(),
    'File with the access token, as `hf auth login` writes it. Default: `token` in HF_HOME.',
  ),
  hfHome: setting(
    'HF_HOME',
    path.optional(),
    'Directory of the tools of Hugging Face: their token and their cache. Default: ~/.cache/huggingface.',
  ),
  hfHubCache: setting(
    'HF_HUB_CACHE',
    path.optional(),
    'Cache of the tools of Hugging Face, which models come from when HF_HUB_OFFLINE is set. Default: `hub` in HF_HOME.',
    ['HUGGINGFACE_HUB_CACHE'],
  ),
  hfHubOffline: setting(
    'HF_HUB_OFFLINE',
    z
      .string()
      .default('0')
      .transform((value) => ['1', 'true', 'yes', 'on'].includes(value.trim().toLowerCase())),
    'Set to 1 to pull from HF_HUB_CACHE alone and ask no hub.',
    ['TRANSFORMERS_OFFLINE'],
  ),
  hfHostsAllow: setting(
    'HF_HOSTS_ALLOW',
    allowedHostsAndBlocks.prefault(''),
    "Comma-separated hosts (host, host:port, *.domain) and blocks of addresses that HF_ENDPOINT may redirect to although they are private. The hub's own hosts are always allowed.",
  ),
  httpsProxy: setting(
    'HTTPS_PROXY',
    z.string().trim().optional(),
    'Proxy for https addresses that models are pulled from, also in lower case. Nothing else goes through it.',
    ['https_proxy', 'ALL_PROXY', 'all_proxy'],
  ),
  httpProxy: setting(
    'HTTP_PROXY',
    z.string().trim().optional(),
    'Proxy for http addresses that models are pulled from, also in lower case.',
    ['http_proxy', 'ALL_PROXY', 'all_proxy'],
  ),
  noProxy: setting(
    'NO_PROXY',
    z.string().default(''),
    'Hosts that models are pulled from without the proxy, separated by commas: host, .domain, host:port or *.',
    ['no_proxy'],
  ),
  hfOfflineDir: setting(
    'HF_OFFLINE_DIR',
    z
      .string()
      .min(1)
      .transform((path) => resolve(path))
      .optional(),
    'Directory that models are pulled from instead of the hub: a copied hub cache or HF_HOME, or <owner>/<repository>/<files>.',
  ),
  model: setting('MODEL', z.string().min(1).optional(), 'Profile or model used when a request names none.'),
  workerProfiles: setting(
    'WORKER_PROFILES',
    list.refine((profiles) => profiles.length > 0, 'names no profile').optional(),
    'Comma-separated profiles a worker serves. Default: every profile whose model is available.',
  ),
  metricsPort: setting(
    'METRICS_PORT',
    integer(0, 65535).default(9100),
    'Port for health and metrics of a worker that runs on its own.',
  ),
  logLevel: setting(
    'LOG_LEVEL',
    z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
    'Least severe level that is logged.',
  ),
  drainDelayMs: setting(
    'DRAIN_DELAY_MS',
    integer(0, 600_000).default(0),
    'How long an API that is told to stop answers on after it has failed its readiness, so that a balancer sends nothing more, in milliseconds.',
  ),
  otlpEndpoint: setting(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    z.url({ protocol: /^https?$/, error: 'expected an http or https address' }).optional(),
    'Collector that traces are sent to, such as http://localhost:4318. Without it there are no traces.',
  ),
  otlpProtocol: setting(
    'OTEL_EXPORTER_OTLP_PROTOCOL',
    z.enum(['http/protobuf', 'http/json', 'grpc']).default('http/protobuf'),
    'How traces are sent.',
  ),
  otelServiceName: setting(
    'OTEL_SERVICE_NAME',
    z.string().min(1).optional(),
    'Name of this process in traces. Default: vls-api or vls-worker.',
  ),
  tracesSampler: setting(
    'OTEL_TRACES_SAMPLER',
    z
      .enum([
        'always_on',
        'always_off',
        'traceidratio',
        'parentbased_always_on',
        'parentbased_always_off',
        'parentbased_traceidratio',
      ])
      .default('parentbased_always_on'),
    'Which requests are traced. A batch is traced as the request that posted it.',
  ),
  tracesSamplerArg: setting(
    'OTEL_TRACES_SAMPLER_ARG',
    z.coerce.number().min(0).max(1).default(1),
    'Share of requests that are traced, from 0 to 1, for the samplers with `ratio` in their name.',
  ),
  encoders: setting(
    'ENCODERS',
    integer(1, 256).optional(),
    'Encoder processes per model. Default: from the CPU quota and the memory limit.',
  ),
  encoderThreads: setting(
    'ENCODER_THREADS',
    integer(1, 256).optional(),
    'Intra-op threads of each encoder. Default: CPU quota / encoders.',
  ),
  device: setting(
    'DEVICE',
    z.enum(['auto', 'cuda', 'coreml', 'dml', 'webgpu', 'cpu']).default('auto'),
    'Where models run. `auto` takes the first that works: cuda, coreml, dml, cpu. `webgpu` (Vulkan, Metal, Direct3D) has to be named.',
  ),
  precision: setting(
    'PRECISION',
    z.enum(['auto', 'fp32', 'fp16', 'int8']).default('auto'),
    'Precision of models whose registry entry names none. `auto`: fp16 on a GPU where the model has it, else fp32.',
  ),
  deviceFallback: setting(
    'DEVICE_FALLBACK',
    flag.default(false),
    'Set to 1 to run on the CPU, or at the precision there is, when DEVICE or PRECISION cannot be had.',
  ),
  preprocess: setting(
    'PREPROCESS',
    z.enum(['exact', 'fast']).default('exact'),
    'How images are resized: `exact` gives the bytes that Pillow gives; `fast` shrinks JPEGs while it decodes them, and is close.',
  ),
  microBatch: setting(
    'MICRO_BATCH',
    integer(1, 1024).optional(),
    'Pictures that one run of a vision tower takes at most. Default: measured in the background, once a machine.',
  ),
  modelMemoryBytes: setting(
    'MODEL_MEMORY_MB',
    integer(1, 16 * 1024 * 1024)
      .transform((megabytes) => megabytes * MB)
      .optional(),
    'Memory for loaded models, in MiB; the least used are unloaded above it. Default: 80 % of the memory limit.',
  ),
  preload: setting(
    'PRELOAD',
    list.optional(),
    'Comma-separated profiles or models that are loaded at the start. Default: the default model; others on first use.',
  ),
  cacheBytes: setting(
    'EMBEDDING_CACHE_MB',
    integer(0, 65536)
      .default(64)
      .transform((megabytes) => megabytes * MB),
    'Memory for cached embeddings, in MiB; 0 turns the cache off.',
  ),
  imageHostsAllow: setting(
    'IMAGE_HOSTS_ALLOW',
    allowedHosts.prefault(''),
    'Comma-separated hosts (host, host:port, *.domain) that may be private and on any port, besides every public host.',
  ),
  imageHostsDeny: setting(
    'IMAGE_HOSTS_DENY',
    deniedHosts.prefault(''),
    'Comma-separated hosts, *.domains, addresses and blocks (203.0.113.0/24) that are never fetched from, allowed or not; * is every host that IMAGE_HOSTS_ALLOW does not name.',
  ),
  imagePorts: setting(
    'IMAGE_PORTS',
    list.prefault('80,443').pipe(z.array(z.coerce.number<string>().int().min(1).max(65535))),
    'Comma-separated ports that images are fetched from, on hosts that IMAGE_HOSTS_ALLOW does not name.',
  ),
  imageFileRoots: setting(
    'IMAGE_FILE_ROOTS',
    fileRoots.prefault(''),
    'Comma-separated directories that `{"file": …}` sources may read from; `tenant=/path` is for that tenant alone. Empty: files are off.',
  ),
  imageMaxBytes: setting(
    'IMAGE_MAX_MB',
    integer(1, 1024)
      .default(20)
      .transform((megabytes) => megabytes * MB),
    'Largest encoded image, fetched or inline, in MiB.',
  ),
  imageMaxPixels: setting(
    'IMAGE_MAX_MEGAPIXELS',
    integer(1, 1000)
      .default(50)
      .transform((megapixels) => megapixels * 1_000_000),
    'Largest decoded image, in millions of pixels, checked before decoding.',
  ),
  fetchTimeoutMs: setting(
    'FETCH_TIMEOUT_MS',
    integer(100, 600_000).default(20_000),
    'Time for downloading one image from its first request, redirects and retries included, in milliseconds.',
  ),
  fetchConcurrency: setting(
    'FETCH_CONCURRENCY',
    integer(1, 4096).optional(),
    'Items a worker holds between the start of their download and their embedding. Default: 64; 256 on CUDA.',
  ),
  fetchPerHost: setting(
    'FETCH_PER_HOST',
    integer(1, 1024).default(32),
    'Most requests to one image host at a time; a host that answers 429 or 503 gets fewer.',
  ),
  webhookSecret: setting(
    'WEBHOOK_SECRET',
    z
      .string()
      .regex(/^whsec_[A-Za-z0-9+/]{32,}={0,2}$/, 'expected whsec_ and at least 24 bytes as base64')
      .optional(),
    'Secret that webhooks are signed with, as Standard Webhooks has it. Without it no webhook is taken.',
  ),
  webhookHostsAllow: setting(
    'WEBHOOK_HOSTS_ALLOW',
    allowedHosts.prefault(''),
    'Comma-separated hosts (host, host:port, *.domain) that webhooks may call although they are private.',
  ),
  webhookHostsDeny: setting(
    'WEBHOOK_HOSTS_DENY',
    deniedHosts.prefault(''),
    'Comma-separated hosts, *.domains, addresses and blocks that webhooks never call; * is every host that WEBHOOK_HOSTS_ALLOW does not name.',
  ),
  serviceUrl: setting(
    'VLS_URL',
    z
      .url({ protocol: /^https?$/, error: 'expected an http or https address' })
      .default(defaultServiceUrl)
      .transform((url) => url.replace(/\/+$/, '').replace(/\/evaluator$/, '')),
    'Service that the command line talks to; `--url` says it for one command.',
  ),
  apiKey: setting(
    'VLS_API_KEY',
    z
      .string()
      .regex(/^[\x21-\x7e]+$/, 'expected printable ASCII without spaces')
      .optional(),
    'Key that the command line sends to the service. It is sent to VLS_URL alone.',
  ),
  retentionHours: setting(
    'BATCH_RETENTION_HOURS',
    z.coerce
      .number()
      .min(0.001)
      .max(24 * 365)
      .default(72),
    'How long a finished batch and its results are kept, in hours.',
  ),
} as const;

type Settings = typeof settings;
/** The validated configuration: one property per entry of {@link settings}. */
export type Config = { readonly [K in keyof Settings]: z.output<Settings[K]['schema']> };

/** Variables whose value must not reach a log, not even when it is wrong. */
const secret = /SECRET|KEY|PASSWORD|TOKEN|REDIS_URL|_PROXY|HF_ENDPOINT/i;

/** A setting was present but wrong. The message names each variable, its value's fault and what it is for. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/**
 * Reads and validates the configuration. The only place that looks at the environment.
 * @throws {ConfigError} naming every wrong variable at once.
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const config: Record<string, unknown> = {};
  const faults: string[] = [];
  for (const [name, { env: named, also = [], schema, doc }] of Object.entries<Setting>(settings)) {
    const variable = [named, ...also].find((each) => (env[each] ?? '') !== '') ?? named;
    const parsed = schema.safeParse(env[variable] === '' ? undefined : env[variable]);
    if (parsed.success) config[name] = parsed.data;
    else {
      const why = parsed.error.issues.map((issue) => issue.message).join('; ');
      const value = secret.test(variable) ? '(not shown)' : JSON.stringify(env[variable]);
      faults.push(`${variable}=${value}: ${why}. ${doc}`);
    }
  }
  if (faults.length > 0) throw new ConfigError(faults.join('\n'));
  return config as Config;
}
