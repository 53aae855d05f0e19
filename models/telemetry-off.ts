import { telemetryOff } from '../shared/child-environment.js';

// On the main thread, this assignment changes the environment that native code reads. In a worker thread it would have
// no effect, because `process.env` is a copy there.
Object.assign(process.env, telemetryOff);
