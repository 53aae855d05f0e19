import type { Health } from '../../../shared/contracts/health.ts';
import { mayOperate, useSession } from '../../shell/session.tsx';
import { Fact } from '../../ui/fact.tsx';
import * as numbers from '../../ui/numbers.ts';
import { PolledState } from '../../ui/polled-state.tsx';
import { asSentence } from '../../ui/sentence.ts';
import { Waiting } from '../../ui/waiting.tsx';
import { Figures } from './figures.tsx';
import { pastStatusWords, reasonOf, statusWords } from './health-words.ts';
import { ModelRows } from './model-rows.tsx';
import { QueueTable } from './queue-table.tsx';
import { StageTable } from './stage-table.tsx';
import { useActivity } from './use-activity.ts';

const durabilityWords = {
  always: 'no acknowledged work is lost',
  everysec: 'up to 2 s of acknowledged work may be lost',
  none: 'acknowledged work may be lost',
  unknown: 'the possible loss is unknown',
} as const;

export function Overview() {
  const session = useSession();
  // The service refuses some of the requests unless the user is an operator.
  if (session === undefined) return <Waiting what="your session" />;
  return <Known isOperator={mayOperate(session)} />;
}

function Known({ isOperator }: { isOperator: boolean }) {
  const { system, history } = useActivity(isOperator);
  const { value } = system;
  return (
    <div class="stack">
      <PolledState what="the state of the service" polled={system} />
      {value !== undefined && (
        <>
          <Service health={value.health} lostAt={system.failure && system.at} />
          <Figures history={history} isOperator={isOperator} />
          <ModelRows models={value.health.models} history={history} />
          {value.health.queues !== null && <QueueTable queues={value.health.queues} />}
          {value.lines !== undefined && <StageTable lines={value.lines} />}
          <More isOperator={isOperator} />
        </>
      )}
    </div>
  );
}

/** @param lostAt the time of the health in ms since 1970, if the service does not answer now. */
function Service({ health, lostAt }: { health: Health; lostAt: number | undefined }) {
  const { status, version, uptimeSeconds, redis, workers, settings } = health;
  const reason = reasonOf(health);
  return (
    <section class="card service" aria-labelledby="service">
      <h2 id="service" class={`service-status ${lostAt === undefined ? status : 'past'}`}>
        {lostAt === undefined ? statusWords(health) : pastStatusWords(health, numbers.clock(lostAt))}
      </h2>
      {reason !== undefined && <p class="notice">{reason}</p>}
      {redis.detail !== null && (
        <p class="notice">
          {asSentence(redis.detail)}
          {redis.status === 'down' && ' Batches continue when it answers again.'}
        </p>
      )}
      {settings.map((sentence) => (
        <p class="notice" key={sentence}>
          {sentence}
        </p>
      ))}
      <dl class="facts spread">
        <Fact name="Version">{version}</Fact>
        <Fact name="Uptime">{numbers.duration(uptimeSeconds)}</Fact>
        <Fact name={redis.server ?? 'Redis'}>
          {{ ok: 'answers', refusing: 'refuses writes', down: 'does not answer' }[redis.status]}
          {redis.version !== null && `, version ${redis.version}`}
        </Fact>
        {redis.durability !== null && (
          <Fact name={`If ${redis.server ?? 'Redis'} crashes`}>{durabilityWords[redis.durability]}</Fact>
        )}
        <Fact name="Connections of workers">
          {workers === null ? 'unknown' : `${numbers.count(workers)}, one for each worker and queue`}
        </Fact>
      </dl>
    </section>
  );
}

function More({ isOperator }: { isOperator: boolean }) {
  return (
    <section class="card" aria-labelledby="more">
      <h2 id="more">More</h2>
      <ul class="links">
        <li>
          <a href="docs">API documentation</a>
        </li>
        <li>
          <a href="openapi.json">OpenAPI document</a>
        </li>
        {isOperator && (
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
          <a href="health">Health as JSON</a>
        </li>
      </ul>
    </section>
  );
}
