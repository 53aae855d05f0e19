// JavaScript, because the bootstrap also uses this file on Node versions that cannot strip types.

/**
 * Without this variable, ONNX Runtime (since 1.29, except on Windows) reports each process and session to its vendor,
 * and writes into the home directory. It is read once, when the environment is created.
 */
export const telemetryOff = Object.freeze({ ORT_DISABLE_TELEMETRY: '1' });

/** Variables that every child process needs. They contain no secrets. */
const system = [
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TMPDIR', 'TMP', 'TEMP', 'TZ', 'TERM', 'LANG', 'LANGUAGE', 'LC_*'],
  ...['LD_LIBRARY_PATH', 'LD_PRELOAD', 'DYLD_LIBRARY_PATH'],
  // Windows needs these to find its libraries and its shell.
  ...['SystemRoot', 'SystemDrive', 'windir', 'ComSpec', 'PATHEXT', 'USERPROFILE', 'APPDATA', 'LOCALAPPDATA'],
  ...['ProgramData', 'ProgramFiles', 'NUMBER_OF_PROCESSORS', 'PROCESSOR_ARCHITECTURE'],
];
const node = ['NODE_OPTIONS', 'NODE_COMPILE_CACHE', 'NODE_DISABLE_COMPILE_CACHE', 'NODE_V8_COVERAGE', 'NODE_ENV'];
const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'ALL_PROXY'].flatMap((name) => [name, name.toLowerCase()]);
const certificates = ['SSL_CERT_FILE', 'SSL_CERT_DIR', 'NODE_EXTRA_CA_CERTS'];
// `NVIDIA_*` would include NVIDIA_API_KEY, which is a secret.
const gpu = [
  ...['CUDA_VISIBLE_DEVICES', 'CUDA_DEVICE_ORDER', 'CUDA_MODULE_LOADING', 'CUDA_PATH', 'CUDA_HOME'],
  ...['CUDA_CACHE_PATH', 'CUDA_CACHE_DISABLE', 'CUDA_CACHE_MAXSIZE', 'CUDA_LAUNCH_BLOCKING'],
  ...['CUDA_MPS_PIPE_DIRECTORY', 'CUDA_MPS_LOG_DIRECTORY', 'CUDA_MPS_ACTIVE_THREAD_PERCENTAGE'],
  ...['NVIDIA_VISIBLE_DEVICES', 'NVIDIA_DRIVER_CAPABILITIES', 'NVIDIA_TF32_OVERRIDE'],
];

/** The variables that each kind gets. `NAME_*` matches every name with that prefix. */
const allowed = {
  /** Decodes untrusted bytes. */
  encoder: [...system, ...node, ...gpu],
  /** Decodes untrusted images for an encoder on an accelerator, without access to the accelerator. */
  decoder: [...system, ...node],
  /** Reads untrusted files outside the main process. */
  fileReader: [...system, ...node],
  /** Tries the drivers of accelerators. */
  deviceProbe: [...system, ...node, ...gpu],
  redis: system,
  docker: [...system, ...proxies, ...certificates, 'DOCKER_*', 'XDG_RUNTIME_DIR', 'XDG_CONFIG_HOME', 'SSH_AUTH_SOCK'],
  /** The system's package manager, possibly through sudo. It installs Redis. */
  systemInstall: [...system, ...proxies, ...certificates, 'HOMEBREW_*', 'XDG_RUNTIME_DIR'],
  /** Vite and its plug-ins. */
  pageBuild: [...system, ...node],
  /** npm without install scripts. A `.npmrc` may refer to the two tokens. */
  packageInstall: [
    ...[...system, ...node, ...proxies, ...certificates],
    ...['npm_*', 'NPM_CONFIG_*', 'NPM_TOKEN', 'NODE_AUTH_TOKEN', 'NVM_*', 'COREPACK_*', 'INIT_CWD'],
  ],
  /** A system command that lists or signals processes. */
  tool: system,
};

/**
 * Returns the variables of this process that the child needs, and those in `more`. No child gets secrets except the
 * service itself, which `start/service-process.ts` starts with all variables.
 * @param {keyof typeof allowed} kind
 * @param {NodeJS.ProcessEnv} [more]
 * @param {NodeJS.ProcessEnv} [own] the variables of this process
 * @returns {NodeJS.ProcessEnv}
 */
export function childEnvironment(kind, more = {}, own = process.env) {
  const names = allowed[kind];
  const isAllowed = (name) =>
    names.some((entry) => (entry.endsWith('*') ? name.startsWith(entry.slice(0, -1)) : isSame(name, entry)));
  const inherited = Object.entries(own).filter(([name]) => isAllowed(name));
  return { ...Object.fromEntries(inherited), ...telemetryOff, ...more };
}

/** On Windows the case does not matter: `PATH` may be named `Path`. */
const isSame = (name, entry) =>
  process.platform === 'win32' ? name.toUpperCase() === entry.toUpperCase() : name === entry;
