import { readFileSync } from 'node:fs';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
// The time in ms within which stop requests count as one. One Ctrl-C may cause three: from the terminal, from npm, and
// by the end of npm's shell.
const ONE_PRESS_MS = 250;
const PARENT_CHECK_MS = 500;

/**
 * Listens for stop requests: signals, and the end of npm, whose shell may not forward a signal. `asked` is the first
 * signal, `onStop` gets each request, `release` stops listening.
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

  // Without npm, the end of the parent is not a stop request: `nohup node start/bootstrap.js … &` must outlive its
  // shell.
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

/** Returns npm's process id if there is a shell between npm and this process. Linux only. */
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
    // The command, in parentheses, may contain spaces. The parent's id is the second field after it.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}
