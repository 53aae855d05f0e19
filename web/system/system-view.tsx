import { addressOf, type SystemTab, systemTabs } from '../shell/route.ts';
import { mayOperate, useSession } from '../shell/session.tsx';
import { ModelsTab } from './models/models-tab.tsx';
import { Overview } from './overview/overview.tsx';
import { TrafficTab } from './traffic/traffic-tab.tsx';

const names: Record<SystemTab, string> = { overview: 'Overview', models: 'Models', traffic: 'Traffic' };

export function SystemView({ tab }: { tab: SystemTab }) {
  const isOperator = mayOperate(useSession());
  const tabs = systemTabs.filter((each) => each !== 'traffic' || isOperator);
  return (
    <>
      <h1>System</h1>
      <nav class="tabs" aria-label="Parts of the system">
        <ul>
          {tabs.map((each) => (
            <li key={each}>
              <a href={addressOf.system(each)} aria-current={each === tab ? 'page' : undefined}>
                {names[each]}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      {tab === 'overview' && <Overview />}
      {tab === 'models' && <ModelsTab />}
      {tab === 'traffic' && <TrafficTab />}
    </>
  );
}
