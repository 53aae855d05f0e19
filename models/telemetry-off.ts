import { telemetryOff } from '../shared/child-environment.js';

// On the main thread, this line changes the environment that native code reads. In a worker thread it does not, because
// `process.env` is a copy there.
Object.assign(process.env, telemetryOff);
