import type { TrafficReport } from '../../../shared/contracts/traffic.ts';

/** A canary (a model on trial) in the traffic report of the API. */
export type Canary = NonNullable<TrafficReport['canary']>;
