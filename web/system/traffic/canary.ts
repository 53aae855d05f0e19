import type { TrafficReport } from '../../../shared/contracts/traffic.ts';

/** A model on trial, as in the API's report. */
export type Canary = NonNullable<TrafficReport['canary']>;
