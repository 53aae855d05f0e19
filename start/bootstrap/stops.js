import { readFileSync } from 'node:fs';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
// One Ctrl-C arrives up to three times: from the terminal, from npm, which passes it on, and as the death of npm's shell.
// Two presses of a key are further apart than this.
const ONE_PRESS_MS = 250;
const PARENT_CHECK_MS = 500;

/**
 * Listens for requests to stop: signals, and the end of the npm that runs this script. npm signals only the shell it
 * starts, and that shell (dash, for one) dies without passing the signal on.
 * `asked` is the first request's signal, `onStop` is called for every separate request, `release` ends the listening.
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

  // Without npm a lost parent means nothing: `nohup node start/bootstrap.js … &` outlives its shell on purpose.
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

/** @returns a function that says whether npm, or the shell between it and this process, has ended. */
function watchNpm() {
  const parent = process.ppid;
  const npm = npmBehindShell(parent);
  return () => {
    if (process.ppid !== parent) return true;
    return npm !== undefined && parentOf(parent) !== npm;
  };
}

/** The process id of npm when a shell stands between (a shell that does not `exec` its last command). Linux only. */
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
    // The second field is the command in parentheses and may hold spaces; the parent is the second field after it.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}
