import type { Health } from '../../../shared/contracts/health.ts';
import { fetchApi, fetchJson } from '../../http/client.ts';
import { usePolled } from '../../http/use-polled.ts';
import { mayOperate, useSession } from '../../shell/session.tsx';
import { Badge } from '../../ui/badge.tsx';
import { Fact } from '../../ui/fact.tsx';
import * as numbers from '../../ui/numbers.ts';
import { ProblemBox } from '../../ui/problem.tsx';
import { Scrollable } from '../../ui/scrollable.tsx';
import { stageTimesOf } from './metrics.ts';

const everyMs = 5_000;

const statusWords = {
  ok: 'The service works.',
  degraded: 'Single pairs are scored; batches are not.',
  unavailable: 'Nothing can be scored now.',
} as const;

const durabilityWords = {
  always: 'no acknowledged work is lost',
  everysec: 'up to 2 s of acknowledged work may be lost',
  none: 'acknowledged work may be lost',
  unknown: 'it is unknown what is lost',
} as const;

/** Shows the health of the service, updated every few seconds. */
export function HealthView() {
  const session = useSession();
  const { value, failure } = usePolled(
    'health',
    (signal) => fetchJson<Health>('health', { signal, accepted: [503] }),
    () => everyMs,
  );
  return (
    <>
      <h1>Health</h1>
      {failure !== undefined && <ProblemBox failure={failure} />}
      {value !== undefined && (
        <div class="stack">
          <section class="card" aria-labelledby="service">
            <h2 id="service">
              Service <Badge tone={toneOf(value.status)}>{value.status}</Badge>
            </h2>
            <p>{statusWords[value.status]}</p>
            <dl class="facts wide">
              <Fact name="Version">{value.version}</Fact>
              <Fact name="Uptime">{numbers.duration(value.uptimeSeconds)}</Fact>
              <Fact name="Redis">
                {value.redis.status === 'ok'
                  ? `answers, version ${value.redis.version ?? 'unknown'}`
                  : 'cannot be reached'}
                {value.redis.detail !== null && ` (${value.redis.detail})`}
              </Fact>
              {value.redis.durability !== null && (
                <Fact name="If Redis crashes">{durabilityWords[value.redis.durability]}</Fact>
              )}
              <Fact name="Worker connections">{value.workers ?? 'unknown'}</Fact>
            </dl>
          </section>
          <Encoders models={value.models} />
          {value.queues !== null && <Queues queues={value.queues} />}
          {mayOperate(session) && <StageTimes />}
          <section class="card" aria-labelledby="more">
            <h2 id="more">More</h2>
            <ul class="links">
              <li>
                <a href="docs">API documentation</a>
              </li>
              <li>
                <a href="openapi.json">OpenAPI document</a>
              </li>
              {mayOperate(session) && (
                <>
                  <li>
                    <a href="queues">Queues, in Bull Board</a>
                  </li>
                  <li>
                    <a href="metrics">Metrics for Prometheus</a>
                  </li>
                </>
              )}
              <li>
                <a href="health">This page as JSON</a>
              </li>
            </ul>
          </section>
        </div>
      )}
    </>
  );
}

const toneOf = (status: Health['status']) => (status === 'ok' ? 'good' : status === 'degraded' ? 'warn' : 'bad');

function Encoders({ models }: { models: Health['models'] }) {
  return (
    <section class="card" aria-labelledby="encoders">
      <h2 id="encoders">Encoders</h2>
      {models.length === 0 && <p class="soft">No model has been used yet.</p>}
      <ul class="rows">
        {models.map(({ model, revision, state, encoders, detail }) => (
          <li key={`${model}@${revision}`}>
            <strong>{model}</strong>
            <Badge tone={state === 'ready' ? 'good' : state === 'loading' ? 'warn' : 'bad'}>{state}</Badge>
            <span>
              {encoders.ready} of {encoders.configured} processes ready
              {encoders.restarts > 0 && `, ${numbers.count(encoders.restarts)} restarts`}
            </span>
            {detail !== null && <span class="soft">{detail}</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Queues({ queues }: { queues: NonNullable<Health['queues']> }) {
  return (
    <section class="card" aria-labelledby="queues">
      <h2 id="queues">Queues</h2>
      <Scrollable label="Table of queues">
        <table>
          <thead>
            <tr>
              <th scope="col">Queue</th>
              <th scope="col">Waiting</th>
              <th scope="col">Active</th>
              <th scope="col">Failed</th>
              <th scope="col">Workers</th>
            </tr>
          </thead>
          <tbody>
            {queues.map(({ name, waiting, active, failed, workers }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{numbers.count(waiting)}</td>
                <td>{numbers.count(active)}</td>
                <td>{numbers.count(failed)}</td>
                <td>{numbers.count(workers)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrollable>
      <p class="fine soft">One job is one chunk of a batch, with up to 64 items.</p>
    </section>
  );
}

function StageTimes() {
  const { value } = usePolled(
    'metrics',
    async (signal) => stageTimesOf(await (await fetchApi('metrics', { signal })).text()),
    () => everyMs,
  );
  const measured = (value ?? []).filter(({ count }) => count > 0);
  if (measured.length === 0) return null;
  return (
    <section class="card" aria-labelledby="stages">
      <h2 id="stages">Time in each stage</h2>
      <dl class="facts wide">
        {measured.map(({ stage, count, meanMs }) => (
          <Fact key={stage} name={stage}>
            {meanMs.toFixed(1)} ms on average, {numbers.count(count)} times
          </Fact>
        ))}
      </dl>
      <p class="fine soft">Means of single requests since this process started.</p>
    </section>
  );
}
