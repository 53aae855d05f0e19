import type { TrafficReport } from '../../shared/contracts/traffic.ts';

/** A model on trial, as the API reports it. */
export type Canary = NonNullable<TrafficReport['canary']>;
