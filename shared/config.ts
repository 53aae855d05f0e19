import { z } from 'zod';
import { defaultPrefix } from './redis/prefix.ts';
import { parseRedisUrl } from './redis/url.ts';
import {
  allowedHosts,
  allowedHostsAndBlocks,
  deniedHosts,
  fileRoots,
  flag,
  httpAddress,
  integer,
  keyEntries,
  list,
  megabytes,
  megapixels,
  namedHosts,
  networks,
  oneOf,
  origins,
  path,
  payloadLocations,
  printable,
  serviceAddress,
  tenantFolders,
} from './setting-values.ts';

/** A setting: its environment variable, schema and documentation. */
export interface Setting<S extends z.ZodType = z.ZodType> {
  env: string;
  /** Alternative variables. The first that is set is used: `env`, then these in order. */
  also?: readonly string[];
  /** The tool or standard that defines this variable; absent when this service defines it. */
  of?: string;
  schema: S;
  doc: string;
}

/** The address on which the service listens without settings. */
export const defaultServiceUrl = 'http://127.0.0.1:8000';

const setting = <S extends z.ZodType>(
  env: string,
  schema: S,
  doc: string,
  { also = [], of }: Pick<Setting, 'also' | 'of'> = {},
): Setting<S> => ({ env, schema, doc, also, ...(of !== undefined && { of }) });

const huggingFace = 'Hugging Face';
const proxies = 'HTTP clients';

const hoursExpected = `expected a number from 0.001 to ${24 * 365}`;

/** Every setting of the service. docs/settings.md is made from this list. */
export const settings = {
  port: setting('PORT', integer(0, 65535).default(8000), 'TCP port of the HTTP API. 0 picks a free port.'),
  host: setting('HOST', z.string().min(1).default('127.0.0.1'), 'Address that the HTTP API listens on.'),
  allowAnonymous: setting(
    'ALLOW_ANONYMOUS',
    flag.default(false),
    'Set to 1 to listen on an address other than loopback without API keys.',
  ),
  apiKeysFile: setting(
    'API_KEYS_FILE',
    path.optional(),
    'File of API keys, edited by `vls keys` and reloaded when it changes. With this setting every request needs a key.',
  ),
  apiKeys: setting(
    'API_KEYS',
    keyEntries.prefault(''),
    'Comma-separated hashed API keys, each as `vls keys add --entry` prints it, for platforms without files.',
  ),
  metricsToken: setting(
    'METRICS_TOKEN',
    z.string().min(16, 'expected at least 16 characters').optional(),
    'Bearer token that grants access to /metrics and nothing else, for Prometheus where API keys are required.',
  ),
  metricsTokenFile: setting(
    'METRICS_TOKEN_FILE',
    path.optional(),
    'File that contains the token, in place of METRICS_TOKEN. Prometheus can read the same file. An empty file means that there is no token.',
  ),
  allowedHosts: setting(
    'ALLOWED_HOSTS',
    z.union([z.literal('*').transform(() => ['*']), namedHosts]).prefault(''),
    'Comma-separated names (host or host:port) that requests may send in the Host header, in addition to loopback and HOST. * allows any name.',
  ),
  corsOrigins: setting(
    'CORS_ORIGINS',
    origins.prefault(''),
    'Comma-separated origins of other sites whose scripts may call the API with a key.',
  ),
  trustedProxies: setting(
    'TRUSTED_PROXIES',
    networks.prefault(''),
    'Comma-separated addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto headers are trusted.',
  ),
  maxConnections: setting(
    'MAX_CONNECTIONS',
    integer(16, 1_000_000).default(8_000),
    'Maximum number of open connections of an API process. Above it the longest idle connection is closed; if all are busy, only health probes and tenants with few connections are answered.',
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
    'Address of Redis: redis://, redis+cluster:// or redis+sentinel://, each with rediss for TLS, or a socket path. Without it `npm start` runs its own Redis.',
  ),
  redisPrefix: setting(
    'REDIS_PREFIX',
    z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/, 'expected 1 to 32 letters, digits, _ and -')
      .default(defaultPrefix),
    'Prefix of all keys and queues in Redis. Services with different prefixes can share a Redis. The API and the workers of one service need the same prefix.',
  ),
  redisTlsDir: setting(
    'REDIS_TLS_DIR',
    path.optional(),
    'Directory with PEM files for TLS to Redis: ca.crt (replaces the authorities that Node.js trusts), and tls.crt and tls.key (the client certificate). Each file is optional.',
  ),
  payloads: setting(
    'PAYLOADS',
    payloadLocations.prefault('redis'),
    'Where items and results of batches are stored: `redis`, or a folder of a bucket (s3://bucket/prefix). Locations after the first one, separated by commas, are read and never written.',
  ),
  s3Endpoint: setting(
    'S3_ENDPOINT',
    httpAddress.optional(),
    'Address of an S3-compatible store other than AWS. The AWS SDK reads region and credentials from its own variables (AWS_REGION, AWS_ACCESS_KEY_ID, …).',
  ),
  batchBuckets: setting(
    'BATCH_BUCKETS',
    tenantFolders.prefault(''),
    'Comma-separated folders whose objects may be posted as batches, each as tenant=s3://bucket/prefix/. The tenant * means every tenant; {tenant} in a folder is replaced by the name of the tenant.',
  ),
  retentionHours: setting(
    'BATCH_RETENTION_HOURS',
    z.coerce
      .number(hoursExpected)
      .min(0.001, hoursExpected)
      .max(24 * 365, hoursExpected)
      .default(72),
    'Time in hours for which a finished batch and its results are stored.',
  ),
  dataDir: setting(
    'DATA_DIR',
    path.prefault('.data'),
    'Directory for everything that the service writes: its own Redis, pulled models, calibration.',
  ),
  model: setting('MODEL', z.string().min(1).optional(), 'Profile or model that answers requests without a `model`.'),
  modelsFile: setting(
    'MODELS_FILE',
    path.optional(),
    'Registry file whose entries are added to the built-in models/models.json, or replace entries of it.',
  ),
  workerProfiles: setting(
    'WORKER_PROFILES',
    list.refine((profiles) => profiles.length > 0, 'the list is empty').optional(),
    'Comma-separated profiles that a worker serves, and loads at startup. Default: every profile whose model is available; the default model is loaded at startup, the others on first use.',
  ),
  metricsPort: setting(
    'METRICS_PORT',
    integer(0, 65535).default(9100),
    'Port for health probes and metrics of a worker that runs as its own process.',
  ),
  logLevel: setting(
    'LOG_LEVEL',
    oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
    'Least severe level that is logged.',
  ),
  drainDelayMs: setting(
    'DRAIN_DELAY_MS',
    integer(0, 600_000).default(0),
    'Time in ms for which a stopping API process still accepts requests while its readiness probe already fails, so that load balancers stop sending.',
  ),
  encoders: setting(
    'ENCODERS',
    integer(1, 256).optional(),
    'Number of encoder processes per model. Default: derived from the CPU quota, the memory limit and the size of the model.',
  ),
  device: setting(
    'DEVICE',
    oneOf(['auto', 'cuda', 'coreml', 'dml', 'webgpu', 'cpu']).default('auto'),
    'Device that runs the models. `auto` uses the first of cuda, coreml, dml and cpu that works. `webgpu` (Vulkan, Metal, Direct3D) must be named.',
  ),
  precision: setting(
    'PRECISION',
    oneOf(['auto', 'fp32', 'fp16', 'int8']).default('auto'),
    'Precision of models whose registry entry states none. `auto` is fp16 on a GPU if the model has it, else fp32.',
  ),
  deviceFallback: setting(
    'DEVICE_FALLBACK',
    flag.default(false),
    'Set to 1 to use the CPU when DEVICE is not available, and another precision when PRECISION is not available.',
  ),
  preprocess: setting(
    'PREPROCESS',
    oneOf(['exact', 'fast']).default('exact'),
    'How images are resized. `exact` gives the same bytes as Pillow; `fast` shrinks JPEGs during decoding and is approximate.',
  ),
  microBatch: setting(
    'MICRO_BATCH',
    integer(1, 1024).optional(),
    'Maximum number of images in one run of a vision model. Default: measured in the background, once per machine.',
  ),
  modelMemoryBytes: setting(
    'MODEL_MEMORY_MB',
    megabytes(1, 16 * 1024 * 1024).optional(),
    'Memory for loaded models in MiB. Above it the least recently used models are unloaded. Default: 80 % of the memory limit.',
  ),
  cacheBytes: setting(
    'EMBEDDING_CACHE_MB',
    megabytes(0, 65536).prefault('64'),
    'Memory for cached embeddings in MiB. 0 disables the cache.',
  ),
  imageHostsAllow: setting(
    'IMAGE_HOSTS_ALLOW',
    allowedHosts.prefault(''),
    'Comma-separated hosts (host, host:port, *.domain) that may be private and use any port. Public hosts are always allowed on ports 80 and 443.',
  ),
  imageHostsDeny: setting(
    'IMAGE_HOSTS_DENY',
    deniedHosts.prefault(''),
    'Comma-separated hosts, *.domains, addresses and address blocks (203.0.113.0/24) from which images are never fetched. * denies every host that IMAGE_HOSTS_ALLOW does not name.',
  ),
  imageFileRoots: setting(
    'IMAGE_FILE_ROOTS',
    fileRoots.prefault(''),
    'Comma-separated directories from which `{"file": …}` images may be read. `tenant=/path` limits a directory to one tenant. Empty disables file images.',
  ),
  imageMaxBytes: setting(
    'IMAGE_MAX_MB',
    megabytes(1, 1024).prefault('20'),
    'Maximum size of an encoded image in MiB, fetched or inline.',
  ),
  imageMaxPixels: setting(
    'IMAGE_MAX_MEGAPIXELS',
    megapixels(1, 1000).prefault('50'),
    'Maximum size of a decoded image in millions of pixels. It is checked before decoding.',
  ),
  fetchTimeoutMs: setting(
    'FETCH_TIMEOUT_MS',
    integer(100, 600_000).default(20_000),
    'Time limit in ms for the download of one image, including redirects and retries.',
  ),
  fetchPerHost: setting(
    'FETCH_PER_HOST',
    integer(1, 1024).default(32),
    'Maximum number of concurrent requests to one image host. A host that answers 429 or 503 gets fewer.',
  ),
  webhookSecret: setting(
    'WEBHOOK_SECRET',
    z
      .string()
      .regex(/^whsec_[A-Za-z0-9+/]{32,}={0,2}$/, 'expected whsec_ and at least 24 bytes as base64')
      .optional(),
    'Secret that signs webhooks, in the format of Standard Webhooks. Without it, a batch with a webhook is refused.',
  ),
  webhookHostsAllow: setting(
    'WEBHOOK_HOSTS_ALLOW',
    allowedHosts.prefault(''),
    'Comma-separated hosts (host, host:port, *.domain) that webhooks may call although they are private.',
  ),
  webhookHostsDeny: setting(
    'WEBHOOK_HOSTS_DENY',
    deniedHosts.prefault(''),
    'Comma-separated hosts, *.domains, addresses and address blocks that webhooks never call. * denies every host that WEBHOOK_HOSTS_ALLOW does not name.',
  ),
  serviceUrl: setting(
    'VLS_URL',
    serviceAddress.default(defaultServiceUrl).transform((url) => url.replace(/\/+$/, '').replace(/\/evaluator$/, '')),
    'Service that the command line calls. `--url` overrides it for one command.',
  ),
  apiKey: setting(
    'VLS_API_KEY',
    z.string().regex(printable, 'expected printable ASCII without spaces').optional(),
    'API key of the command line. It is sent to VLS_URL only.',
  ),
  hfOfflineDir: setting(
    'HF_OFFLINE_DIR',
    path.optional(),
    'Directory from which models are pulled instead of the hub: a copied hub cache, an HF_HOME, or <owner>/<repository>/<files>.',
  ),
  hfHostsAllow: setting(
    'HF_HOSTS_ALLOW',
    allowedHostsAndBlocks.prefault(''),
    'Comma-separated hosts (host, host:port, *.domain) and address blocks to which HF_ENDPOINT may redirect although they are private. The hosts of the hub are always allowed.',
  ),
  hfEndpoint: setting(
    'HF_ENDPOINT',
    httpAddress.default('https://huggingface.co').transform((url) => url.replace(/\/+$/, '')),
    'Hub from which models are pulled, or a mirror with the same API. The address of a mirror may contain user:password@.',
    { of: huggingFace },
  ),
  hfToken: setting(
    'HF_TOKEN',
    z.string().trim().regex(printable, 'expected printable ASCII without spaces').optional(),
    'Access token for gated and private repositories. It is sent only to HF_ENDPOINT and, over https, to the hub. Default: the file `token` in HF_HOME, as `hf auth login` writes it.',
    { of: huggingFace, also: ['HUGGING_FACE_HUB_TOKEN'] },
  ),
  hfHome: setting(
    'HF_HOME',
    path.optional(),
    'Directory of the Hugging Face tools, with their token and, in `hub`, their cache. Default: ~/.cache/huggingface.',
    { of: huggingFace },
  ),
  hfHubOffline: setting(
    'HF_HUB_OFFLINE',
    z
      .string()
      .default('0')
      .transform((value) => ['1', 'true', 'yes', 'on'].includes(value.trim().toLowerCase())),
    'Set to 1 to pull models from the cache in HF_HOME only, and never from the hub.',
    { of: huggingFace, also: ['TRANSFORMERS_OFFLINE'] },
  ),
  httpsProxy: setting(
    'HTTPS_PROXY',
    z.string().trim().optional(),
    'Proxy for https addresses from which models are pulled. Nothing else uses a proxy.',
    { of: proxies, also: ['https_proxy', 'ALL_PROXY', 'all_proxy'] },
  ),
  httpProxy: setting(
    'HTTP_PROXY',
    z.string().trim().optional(),
    'Proxy for http addresses from which models are pulled.',
    { of: proxies, also: ['http_proxy', 'ALL_PROXY', 'all_proxy'] },
  ),
  noProxy: setting(
    'NO_PROXY',
    z.string().default(''),
    'Comma-separated hosts from which models are pulled without a proxy: host, .domain, host:port or *.',
    { of: proxies, also: ['no_proxy'] },
  ),
  otlpEndpoint: setting(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    httpAddress.optional(),
    'Collector to which traces are sent, such as http://localhost:4318. Without it there are no traces. The SDK reads its other variables itself, such as OTEL_EXPORTER_OTLP_PROTOCOL, OTEL_SERVICE_NAME and OTEL_TRACES_SAMPLER.',
    { of: 'OpenTelemetry' },
  ),
} as const;

type Settings = typeof settings;
/** The validated configuration, with one property for each of {@link settings}. */
export type Config = { readonly [K in keyof Settings]: z.output<Settings[K]['schema']> };

const userOfAddress = /\/\/\S*@/g;
/** Variables whose values must not reach a log, even if they are invalid. */
const secret = /SECRET|KEY|PASSWORD|TOKEN|REDIS_URL|_PROXY|HF_ENDPOINT/i;

/** Invalid settings. The message names each variable, its fault and its meaning. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/**
 * Reads and validates the configuration. Only this function reads settings from the environment.
 * @param flags the command-line flags that set variables, by variable. A message names the flag instead of its variable.
 * @throws {ConfigError} that names all invalid variables.
 */
export function readConfig(
  env: NodeJS.ProcessEnv = process.env,
  flags: Readonly<Record<string, string | undefined>> = {},
): Config {
  const config: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, { env: named, also = [], schema, doc }] of Object.entries<Setting>(settings)) {
    const variable = [named, ...also].find((each) => (env[each] ?? '') !== '') ?? named;
    const parsed = schema.safeParse(env[variable] === '' ? undefined : env[variable]);
    if (parsed.success) config[name] = parsed.data;
    else {
      const why = [...new Set(parsed.error.issues.map((issue) => issue.message))].join('; ');
      const value = secret.test(variable) ? '(not shown)' : JSON.stringify(env[variable]?.replace(userOfAddress, '//'));
      const flag = flags[variable];
      problems.push(`${flag === undefined ? `${variable}=` : `${flag} `}${value}: ${why}. ${doc}`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems.join('\n'));
  return config as Config;
}
