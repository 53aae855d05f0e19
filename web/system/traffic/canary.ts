import type { TrafficReport } from '../../../shared/contracts/traffic.ts';

/** A canary (a model on trial), in the form of the API's traffic report. */
export type Canary = NonNullable<TrafficReport['canary']>;
