import { distance } from 'fastest-levenshtein';
import { type Setting, settings } from './config.ts';

/** A set variable that is not a setting, and the setting whose name it nearly has. */
export interface MisspeltSetting {
  variable: string;
  nearest: string;
}

/** Shorter names resemble too many variables of other programs: PORT and SORT, HOST and POST. */
const shortestName = 6;
const longName = 10;

/**
 * Finds variables that differ from the name of a setting by one character, or by two if the name has 10 or more. The
 * service ignores such a variable, and a protective setting such as IMAGE_HOSTS_ALLOW then has no effect.
 */
export function findMisspeltSettings(env: NodeJS.ProcessEnv = process.env): MisspeltSetting[] {
  const names = Object.values<Setting>(settings).flatMap(({ env, also = [] }) => [env, ...also]);
  return Object.keys(env)
    .filter((variable) => !names.includes(variable))
    .flatMap((variable) => {
      const nearest = names
        .filter((name) => name.length >= shortestName)
        .map((name) => ({ name, edits: distance(variable, name) }))
        .filter(({ name, edits }) => edits <= (name.length < longName ? 1 : 2))
        .sort((a, b) => a.edits - b.edits)[0];
      return nearest === undefined ? [] : [{ variable, nearest: nearest.name }];
    });
}
