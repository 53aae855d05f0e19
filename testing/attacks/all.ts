import { answers } from './answers.ts';
import { bodies } from './bodies.ts';
import { connections } from './connections.ts';
import type { Attack } from './hostile.ts';
import { imageHosts } from './image-hosts.ts';
import { imageAttacks } from './images.ts';
import { reference } from './reference.ts';

/** All attacks. The attacks that a single API process can withstand come first. */
export const attacks: readonly Attack[] = [
  ...bodies,
  ...answers,
  ...connections,
  ...imageHosts,
  ...imageAttacks,
  ...reference,
];

/**
 * The names of the attacks that earlier versions of the service already withstood. Tests run these attacks together.
 */
export const hostileLoad = ['slow-connections', 'cut-uploads', 'gzip-bombs', 'event-streams', 'wrong-keys'];

/**
 * The names of the attacks that earlier versions of the service did not withstand. Each measurement during such an
 * attack is compared with one without an attack.
 */
export const neighbours = attacks.map(({ name }) => name).filter((name) => !hostileLoad.includes(name));
