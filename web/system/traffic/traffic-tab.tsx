import type { ComponentChildren } from 'preact';
import type { TrafficList, TrafficReport } from '../../../shared/contracts/traffic.ts';
import { fetchJson } from '../../http/client.ts';
import { usePolled } from '../../http/use-polled.ts';
import { mayOperate, useSession } from '../../shell/session.tsx';
import { useImageDisplay } from '../../ui/pairs.tsx';
import { PolledState } from '../../ui/polled-state.tsx';
import { asSentence } from '../../ui/sentence.ts';
import { Waiting } from '../../ui/waiting.tsx';
import { ArmsTable } from './arms-table.tsx';
import { CanaryBox } from './canary-box.tsx';
import { ComparisonBox } from './comparison-box.tsx';

const everyMs = 5_000;

export function TrafficTab() {
  const session = useSession();
  if (session === undefined) return <Waiting what="your session" />;
  return (
    <>
      <p class="lead">
        Several models may share the images of a profile: permanently, as a canary (on trial), or as a shadow (scores
        are only compared).
      </p>
      {mayOperate(session) ? <Profiles /> : <ForOperators />}
    </>
  );
}

function ForOperators() {
  return (
    <div class="empty">
      <p>Only operators may see this.</p>
      <p class="soft">This page shows pairs of all tenants.</p>
    </div>
  );
}

function Profiles() {
  const polled = usePolled(
    'traffic',
    (signal) => fetchJson<TrafficList>('v1/traffic', { signal }),
    () => everyMs,
  );
  const { value, reload } = polled;
  // The pairs belong to all tenants, so their images are treated as those of other tenants.
  const images = useImageDisplay(false);
  return (
    <div class="stack">
      <PolledState what="the figures of the traffic" polled={polled} />
      {value?.profiles.length === 0 && <NothingShared />}
      {value?.profiles.map((report) => (
        <Profile key={report.profile} report={report} onChanged={reload}>
          {report.comparisons.map((comparison) => (
            <ComparisonBox key={comparison.kind} profile={report.profile} comparison={comparison} images={images} />
          ))}
        </Profile>
      ))}
    </div>
  );
}

function NothingShared() {
  return (
    <div class="empty">
      <p>Every profile has one model.</p>
      <p class="soft">
        To try another model on a share of the images, give the profile rules instead of a name in the registry file
        (MODELS_FILE). A running service applies them within seconds.
      </p>
    </div>
  );
}

function Profile({
  report: { profile, arms, canary, fault },
  onChanged,
  children,
}: {
  report: TrafficReport;
  onChanged: () => void;
  children: ComponentChildren;
}) {
  const id = `profile-${profile}`;
  return (
    <section class="stack profile" aria-labelledby={id}>
      <h2>
        <span class="soft">Profile</span> <span id={id}>{profile}</span>
      </h2>
      {fault !== null && <p class="notice">A model cannot be used and gets no images: {asSentence(fault)}</p>}
      <ArmsTable profile={profile} arms={arms} />
      {canary !== null && <CanaryBox profile={profile} arms={arms} canary={canary} onChanged={onChanged} />}
      {children}
    </section>
  );
}
