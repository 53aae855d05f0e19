import type { ArmReport } from '../../../shared/contracts/traffic.ts';
import * as numbers from '../../ui/numbers.ts';
import { Scrollable } from '../../ui/scrollable.tsx';
import { meanOf, none, shareOf } from './words.ts';

export function ArmsTable({ profile, arms }: { profile: string; arms: ArmReport[] }) {
  return (
    <div class="card">
      <h3>Models</h3>
      <Scrollable label={`Models of ${profile}`}>
        <table>
          <thead>
            <tr>
              <th scope="col">Model</th>
              <th scope="col">Role</th>
              <th scope="col">Share</th>
              <th scope="col">Now</th>
              <th scope="col">Items</th>
              <th scope="col">Failed</th>
              <th scope="col">Mean score</th>
              <th scope="col">Inference</th>
            </tr>
          </thead>
          <tbody>
            {arms.map((arm) => (
              <tr key={arm.model}>
                <th scope="row" class="nowrap">
                  {arm.model}
                </th>
                <td>{arm.role}</td>
                <td class="nowrap">{shareOf(arm.share)}</td>
                <td class="nowrap">{shareOf(arm.shareNow)}</td>
                <td>{numbers.count(arm.items)}</td>
                <td class="nowrap">{shareOf(arm.errorShare)}</td>
                <td class="nowrap">{meanOf(arm)}</td>
                <td class="nowrap">{arm.meanInferenceMs === null ? none : numbers.tenthsOfMs(arm.meanInferenceMs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrollable>
      <p class="fine soft">
        Share: the configured share of the images. Now: the current one, which differs after a promotion or a rollback.
        Counted since the current rules took effect. Items that fail for a reason outside the model, such as a download,
        are not counted. Two means differ if their margins do not overlap. A margin is a 95&nbsp;% confidence interval.
      </p>
    </div>
  );
}
