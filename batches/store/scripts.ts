import { loadScripts } from '../../shared/lua.ts';

/** The Lua scripts beside this file, each one atomic step of a batch. */
export const runScript = loadScripts(new URL('./lua/', import.meta.url), {
  keep: 2,
  dispatch: 2,
  seal: 3,
  discard: 2,
  pick: 6,
  commit: 11,
  release: 5,
  stop: 3,
  block: 3,
  refuse: 2,
  'take-turn': 3,
  refund: 2,
  reserve: 1,
  hold: 1,
  annotate: 1,
  claim: 2,
  unclaim: 2,
  due: 1,
  enlist: 1,
  expired: 1,
  'compare-settings': 1,
});
