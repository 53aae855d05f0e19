// `launch.js` preloads this file into the entry script. If the bootstrap is killed (kill -9), the pipe at file
// descriptor 3 closes, and the script drains and ends.
import { Socket } from 'node:net';

const bootstrap = new Socket({ fd: 3 });
bootstrap.on('error', () => {});
bootstrap.on('close', () => process.kill(process.pid, 'SIGTERM'));
bootstrap.resume();
bootstrap.unref();

// `child_process.fork` passes execArgv to child processes, which have no such pipe.
process.execArgv = process.execArgv.filter((argument) => argument !== `--import=${import.meta.url}`);
