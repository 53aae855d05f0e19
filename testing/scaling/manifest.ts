import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { Behavior, Rule } from './autoscaler.ts';

interface ScaledObject {
  spec: {
    minReplicaCount: number;
    maxReplicaCount: number;
    cooldownPeriod?: number;
    advanced: { horizontalPodAutoscalerConfig: { behavior: { scaleUp: Behavior; scaleDown: Behavior } } };
    triggers: [{ metadata: { threshold: string } }];
  };
}

/** KEDA's default of the time in s without demand after which the last worker is removed. */
const defaultCooldownSeconds = 300;

export function readRule(profile: string): Rule {
  const file = new URL(`../../deploy/k8s/autoscaled/${profile}/scaling.yaml`, import.meta.url);
  const { spec } = parse(readFileSync(file, 'utf8')) as ScaledObject;
  const { scaleUp, scaleDown } = spec.advanced.horizontalPodAutoscalerConfig.behavior;
  const [trigger] = spec.triggers;
  return {
    minReplicas: spec.minReplicaCount,
    maxReplicas: spec.maxReplicaCount,
    itemsPerSecondOfWorker: Number(trigger.metadata.threshold),
    scaleUp,
    scaleDown,
    cooldownSeconds: spec.cooldownPeriod ?? defaultCooldownSeconds,
  };
}
