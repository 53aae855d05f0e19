// `launch.js` preloads this file into the entry script. It makes the entry script drain and end, as on SIGTERM, when
// the bootstrap process is killed (kill -9); otherwise the script would become an orphan. File descriptor 3 is a pipe
// that closes when the bootstrap ends.
import { Socket } from 'node:net';

const bootstrap = new Socket({ fd: 3 });
bootstrap.on('error', () => {});
bootstrap.on('close', () => process.kill(process.pid, 'SIGTERM'));
bootstrap.resume();
bootstrap.unref();

// Child processes of the entry script must not load this file, because they have no such pipe. `child_process.fork`
// would pass execArgv to them.
process.execArgv = process.execArgv.filter((argument) => argument !== `--import=${import.meta.url}`);
