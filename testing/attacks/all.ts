import { answers } from './answers.ts';
import { bodies } from './bodies.ts';
import { connections } from './connections.ts';
import type { Attack } from './hostile.ts';
import { imageHosts } from './image-hosts.ts';
import { imageAttacks } from './images.ts';
import { reference } from './reference.ts';

/** Every attack, those that one API process holds first. */
export const attacks: readonly Attack[] = [
  ...bodies,
  ...answers,
  ...connections,
  ...imageHosts,
  ...imageAttacks,
  ...reference,
];

/** The load that already held before bounds and fair shares were there: all of these at a time. */
export const hostileLoad = ['slow-connections', 'cut-uploads', 'gzip-bombs', 'event-streams', 'wrong-keys'];

/** Those that a table compares with a quiet run: one case of each kind that the service once gave way to. */
export const neighbours = attacks.map(({ name }) => name).filter((name) => !hostileLoad.includes(name));
