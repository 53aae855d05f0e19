import { useState } from 'preact/hooks';
import type { ArmReport, JudgedWindow } from '../../../shared/contracts/traffic.ts';
import { Badge } from '../../ui/badge.tsx';
import * as numbers from '../../ui/numbers.ts';
import { Scrollable } from '../../ui/scrollable.tsx';
import { asSentence } from '../../ui/sentence.ts';
import type { Canary } from './canary.ts';
import { CanaryActions } from './canary-actions.tsx';
import { correlation, failedOf, phaseWords, points, timesOf } from './words.ts';

/** A canary (a model on trial): its progress, and the measurements of each window (items that are judged together). */
export function CanaryBox({
  profile,
  arms,
  canary,
  onChanged,
}: {
  profile: string;
  arms: ArmReport[];
  canary: Canary;
  onChanged: () => void;
}) {
  const { model, phase, reason, since, promoteAfter, passed, window, windows } = canary;
  const [tone, word] = phaseWords[phase];
  return (
    <div class="card">
      <h3>
        Canary {model} <Badge tone={tone}>{word}</Badge>
      </h3>
      {(reason !== null || since !== null) && (
        <p>
          {asSentence(
            [since === null ? '' : `Since ${numbers.dateTime(since)}`, reason ?? ''].filter(Boolean).join(': '),
          )}
        </p>
      )}
      {window !== null && <OpenWindow profile={profile} window={window} passed={passed} promoteAfter={promoteAfter} />}
      <CanaryActions profile={profile} arms={arms} canary={canary} onChanged={onChanged} />
      {windows.length > 0 && <Windows profile={profile} windows={windows} shown={reason ?? ''} />}
    </div>
  );
}

function OpenWindow({
  profile,
  window,
  passed,
  promoteAfter,
}: Pick<Canary, 'passed' | 'promoteAfter'> & { profile: string; window: NonNullable<Canary['window']> }) {
  const id = `window-${profile}`;
  return (
    <div class="open-window">
      <p id={id}>
        Window {numbers.count(window.number)}: {numbers.count(window.items)} of {numbers.counted(window.of, 'item')}.{' '}
        {numbers.count(passed)} of {numbers.counted(promoteAfter, 'window')} passed in a row.
      </p>
      <progress aria-labelledby={id} value={Math.min(window.items, window.of)} max={window.of} />
    </div>
  );
}

const shownFirst = 5;

/** @param shown the reason above the table, which the windows do not repeat. */
function Windows({ profile, windows, shown }: { profile: string; windows: JudgedWindow[]; shown: string }) {
  const [all, setAll] = useState(false);
  return (
    <>
      <Scrollable label={`Windows of the canary of ${profile}`}>
        <table class="windows">
          <thead>
            <tr>
              <th scope="col">Window</th>
              <th scope="col">Verdict</th>
              <th scope="col">Items</th>
              <th scope="col">Failed</th>
              <th scope="col">Time</th>
              <th scope="col">Compared</th>
              <th scope="col">Drift</th>
              <th scope="col">Ranks</th>
              <th scope="col">Ended</th>
            </tr>
          </thead>
          {windows.slice(0, all ? windows.length : shownFirst).map((window) => (
            <Window key={window.number} window={window} shown={shown} />
          ))}
        </table>
      </Scrollable>
      {windows.length > shownFirst && (
        <button type="button" class="link" onClick={() => setAll(!all)} aria-expanded={all}>
          {all ? 'Show fewer' : `Show ${windows.length} windows`}
        </button>
      )}
      <p class="fine soft">
        Time: inference time relative to the main model, in runs of equal size. Drift: mean absolute difference of the
        scores, in points. Ranks: rank correlation.
      </p>
    </>
  );
}

function Window({
  window: { number, verdict, figures, endedAt, reasons },
  shown,
}: {
  window: JudgedWindow;
  shown: string;
}) {
  const others = reasons.filter((reason) => !shown.includes(reason));
  return (
    <tbody>
      <tr>
        <th scope="row">{numbers.count(number)}</th>
        <td>
          <Badge tone={verdict === 'passed' ? 'good' : 'bad'}>{verdict}</Badge>
        </td>
        <td>{numbers.count(figures.items)}</td>
        <td class="nowrap">{failedOf(figures)}</td>
        <td class="nowrap">{timesOf(figures.latencyRatio)}</td>
        <td>{numbers.count(figures.compared)}</td>
        <td>{points(figures.scoreDrift)}</td>
        <td>{correlation(figures.rankCorrelation)}</td>
        <td class="nowrap">{numbers.dateTime(endedAt)}</td>
      </tr>
      {others.length > 0 && (
        <tr class="reasons">
          <td colSpan={9}>
            <p>{asSentence(others.join('; '))}</p>
          </td>
        </tr>
      )}
    </tbody>
  );
}
