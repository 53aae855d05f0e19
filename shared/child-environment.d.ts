/** Switches the telemetry of ONNX Runtime off. */
export const telemetryOff: Readonly<{ ORT_DISABLE_TELEMETRY: '1' }>;

/** The kind of a child process; see `child-environment.js`. */
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
 * Returns the variables that a child of this kind needs, and those in `more`.
 * @param own the variables of this process.
 */
export function childEnvironment(kind: ChildKind, more?: NodeJS.ProcessEnv, own?: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
