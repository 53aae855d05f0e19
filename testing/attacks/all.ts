import { answers } from './answers.ts';
import { bodies } from './bodies.ts';
import { connections } from './connections.ts';
import type { Attack } from './hostile.ts';
import { imageHosts } from './image-hosts.ts';
import { imageAttacks } from './images.ts';
import { reference } from './reference.ts';

/** All attacks. Those that a single API process withstands come first. */
export const attacks: readonly Attack[] = [
  ...bodies,
  ...answers,
  ...connections,
  ...imageHosts,
  ...imageAttacks,
  ...reference,
];

/** The attacks that earlier versions already withstood. Tests run them together. */
export const hostileLoad = ['slow-connections', 'cut-uploads', 'gzip-bombs', 'event-streams', 'wrong-keys'];

/** The attacks that earlier versions did not withstand. Each is measured against a run without an attack. */
export const neighbours = attacks.map(({ name }) => name).filter((name) => !hostileLoad.includes(name));
