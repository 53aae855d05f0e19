import { pino } from 'pino';
import type { Logger } from '../../shared/log.ts';

/** A log that writes nothing; a test may spy on its methods. */
export const silentLog = (): Logger => pino({ level: 'silent' });
