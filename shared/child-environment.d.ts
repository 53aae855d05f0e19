/** Switches the telemetry of ONNX Runtime off. */
export const telemetryOff: Readonly<{ ORT_DISABLE_TELEMETRY: '1' }>;

/** The kind of a child process. `child-environment.js` lists the variables of each kind. */
export type ChildKind =
  | 'encoder'
  | 'decoder'
  | 'fileReader'
  | 'deviceProbe'
  | 'redis'
  | 'docker'
  | 'systemInstall'
  | 'pageBuild'
  | 'packageInstall'
  | 'tool';

/**
 * The environment of a child process: of this process' variables those that its kind needs, and `more`.
 * @param more set in any case.
 * @param own this process' variables.
 */
export function childEnvironment(kind: ChildKind, more?: NodeJS.ProcessEnv, own?: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
