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
 * Returns the environment of a child process. It contains those variables of this process that a child of this kind
 * needs, and the variables in `more`.
 * @param more variables that are set in any case.
 * @param own the variables of this process.
 */
export function childEnvironment(kind: ChildKind, more?: NodeJS.ProcessEnv, own?: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
