// Preloaded into the entry by `launch.js`: when the bootstrap is killed (kill -9), the entry drains and ends as on
// SIGTERM, and does not become an orphan. File descriptor 3 is the pipe that closes with the bootstrap.
import { Socket } from 'node:net';

const bootstrap = new Socket({ fd: 3 });
bootstrap.on('error', () => {});
bootstrap.on('close', () => process.kill(process.pid, 'SIGTERM'));
bootstrap.resume();
bootstrap.unref();

// child_process.fork passes execArgv on, and a grandchild has no such pipe.
process.execArgv = process.execArgv.filter((argument) => argument !== `--import=${import.meta.url}`);
