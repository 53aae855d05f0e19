import {
  type CanaryAction,
  canaryAction,
  trafficList,
  trafficPath,
  trafficReport,
} from '../../shared/contracts/traffic.ts';
import type { Traffic } from '../../traffic/traffic.ts';
import type { RequestAudit } from '../access/request-audit.ts';
import { check } from '../check.ts';
import { problemResponses } from '../openapi.ts';
import type { Route } from '../route.ts';

export interface TrafficDeps {
  traffic: Traffic;
  audit: RequestAudit;
}

const report = { 'application/json': { schema: trafficReport } } as const;
const decisionPath = trafficPath.extend({ action: canaryAction });

const canaryAudits = {
  promote: 'canary.promoted',
  rollback: 'canary.rolled_back',
  restart: 'canary.restarted',
} as const satisfies Record<CanaryAction, string>;

/**
 * Routes of `/v1/traffic`: compare the models of a profile that divides its images, and promote, roll back or restart a
 * canary (a model on trial).
 */
export function trafficRoutes({ traffic, audit }: TrafficDeps): Route[] {
  return [
    {
      method: 'get',
      path: '/v1/traffic',
      // The report contains pairs of all tenants.
      access: 'operator',
      operation: {
        operationId: 'listTraffic',
        summary: 'List profiles that divide their traffic among models',
        tags: ['operations'],
        responses: {
          '200': { description: 'A report for each profile', content: { 'application/json': { schema: trafficList } } },
          ...problemResponses(403, 503),
        },
      },
      handlers: [async (_request, response) => void response.json({ profiles: await traffic.reports() })],
    },
    {
      method: 'get',
      path: '/v1/traffic/{profile}',
      access: 'operator',
      operation: {
        operationId: 'getTraffic',
        summary:
          'Read the traffic report of a profile: each model, the windows of its canary, and comparisons of two models',
        tags: ['operations'],
        requestParams: { path: trafficPath },
        responses: { '200': { description: 'The report', content: report }, ...problemResponses(403, 404, 503) },
      },
      handlers: [
        async (request, response) => {
          const { profile } = check(trafficPath, request.params, 'path');
          response.json(await traffic.report(profile));
        },
      ],
    },
    {
      method: 'post',
      path: '/v1/traffic/{profile}/{action}',
      access: 'operator',
      operation: {
        operationId: 'decideCanary',
        summary: 'Promote a canary, roll it back, or restart its trial',
        tags: ['operations'],
        requestParams: { path: decisionPath },
        responses: {
          '200': { description: 'The traffic report, which includes the decision', content: report },
          ...problemResponses(400, 403, 404, 409, 503),
        },
      },
      handlers: [
        async (request, response) => {
          const { profile, action } = check(decisionPath, request.params, 'path');
          const decided = await traffic.decide(profile, action);
          audit(request, response, canaryAudits[action], { profile, model: decided.canary?.model });
          response.json(decided);
        },
      ],
    },
  ];
}
