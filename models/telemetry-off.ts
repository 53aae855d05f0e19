import { telemetryOff } from '../shared/child-environment.js';

// Only the main thread changes the environment that native code reads. In a worker thread, `process.env` is a copy.
Object.assign(process.env, telemetryOff);
