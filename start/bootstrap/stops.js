import { readFileSync } from 'node:fs';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
// The time in ms within which several stop requests count as one. A single press of Ctrl-C may cause three: a signal
// from the terminal, a signal that npm forwards, and the end of npm's shell. Two presses are further apart.
const ONE_PRESS_MS = 250;
const PARENT_CHECK_MS = 500;

/**
 * Listens for stop requests: signals, and the end of the npm that runs this script. npm signals only the shell that it
 * starts, and some shells (such as dash) end without forwarding the signal.
 * In the result, `asked` is the signal of the first request, `onStop` is called for each separate request, and
 * `release` stops listening.
 */
export function listenForStops() {
  const stops = { asked: undefined, onStop: () => {}, release };
  let lastAt = Number.NEGATIVE_INFINITY;

  function stop(signal) {
    const now = performance.now();
    const samePress = now - lastAt < ONE_PRESS_MS;
    lastAt = now;
    if (samePress) return;
    stops.asked ??= signal;
    stops.onStop(signal);
  }
  for (const signal of SIGNALS) process.on(signal, stop);

  // Without npm, the end of the parent process is not a stop request: `nohup node start/bootstrap.js … &` must outlive
  // its shell.
  const npmGone = process.env.npm_lifecycle_event === undefined ? () => false : watchNpm();
  const parentCheck = setInterval(() => {
    if (stops.asked === undefined && npmGone()) stop('SIGTERM');
  }, PARENT_CHECK_MS);
  parentCheck.unref();

  function release() {
    for (const signal of SIGNALS) process.off(signal, stop);
    clearInterval(parentCheck);
  }
  return stops;
}

/** @returns a function that returns true if npm, or the shell between npm and this process, has ended. */
function watchNpm() {
  const parent = process.ppid;
  const npm = npmBehindShell(parent);
  return () => {
    if (process.ppid !== parent) return true;
    return npm !== undefined && parentOf(parent) !== npm;
  };
}

/**
 * Returns the process id of npm if there is a shell between npm and this process, because the shell did not `exec` its
 * last command. Works on Linux only.
 */
function npmBehindShell(parent) {
  try {
    const isShell = /^(ba|da|a|z|k)?sh$/.test(readFileSync(`/proc/${parent}/comm`, 'utf8').trim());
    return isShell ? parentOf(parent) : undefined;
  } catch {
    return undefined;
  }
}

function parentOf(pid) {
  try {
    // The second field is the command in parentheses, which may contain spaces. The id of the parent process is the
    // second field after the closing parenthesis.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}
