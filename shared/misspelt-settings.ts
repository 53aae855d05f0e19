import { type Setting, settings } from './config.ts';
import { nearestOf } from './nearest.ts';

/** A set variable that is not a setting, but has nearly the name of one. */
export interface MisspeltSetting {
  variable: string;
  nearest: string;
  fault: string;
  remedy: string;
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
  const long = names.filter(({ length }) => length >= shortestName);
  return Object.keys(env)
    .filter((variable) => !names.includes(variable))
    .flatMap((variable) => {
      const nearest = nearestOf(variable, long, ({ length }) => (length < longName ? 1 : 2));
      if (nearest === undefined) return [];
      const fault = `${variable} is not a setting and has no effect`;
      return [{ variable, nearest, fault, remedy: `rename it to ${nearest}, if that is the setting you mean` }];
    });
}

/** Returns the sentence about a misspelt setting for a log or a terminal. */
export const describeMisspelt = ({ fault, remedy }: MisspeltSetting): string => `${fault}; ${remedy}`;
