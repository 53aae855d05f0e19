import type { Command } from 'commander';
import type { CanaryAction, Comparison, TrafficList, TrafficReport } from '../../shared/contracts/traffic.ts';
import { type CommandDeps, contextOf } from '../context.ts';
import { inUtc, styled, table } from '../output.ts';
import { counted, whole } from '../progress.ts';

const pathOf = (profile: string) => `/v1/traffic/${encodeURIComponent(profile)}`;

const actions: Record<CanaryAction, string> = {
  promote: 'Replace the main model with its canary.',
  rollback: 'Roll a canary back: it gets no more images.',
  restart: 'Restart the trial of a canary with a new measurement window.',
};

/**
 * `vls traffic [profile] | promote | rollback | restart`, for operators: models that share the traffic of a profile.
 */
export function addTrafficCommand(program: Command, deps: CommandDeps): void {
  const traffic = program
    .command('traffic')
    .description('Show the models that share a profile: counts, scores and times of each, and the state of canaries.')
    .argument('[profile]', 'the profile; default: all profiles with several models')
    .action(async (profile: string | undefined, _options: object, command: Command) => {
      const context = contextOf(deps, command);
      const client = await context.connect();
      if (profile !== undefined) {
        const report = await client.json<TrafficReport>(pathOf(profile));
        return await context.result(report, () => formatStatus(report, context.stdout));
      }
      const list = await client.json<TrafficList>('/v1/traffic');
      await context.result(list, () =>
        list.profiles.length === 0
          ? 'Every profile has only one model, so there is no traffic to compare.\n'
          : list.profiles.map((report) => formatStatus(report, context.stdout)).join('\n'),
      );
    });

  for (const [action, description] of Object.entries(actions)) {
    traffic
      .command(action)
      .description(description)
      .argument('<profile>', 'the profile of the canary')
      .action(async (profile: string, _options: object, command: Command) => {
        const context = contextOf(deps, command);
        const client = await context.connect();
        const report = await client.post<TrafficReport>(`${pathOf(profile)}/${action}`, {});
        await context.result(report, () => formatCanary(report, context.stdout).join(''));
      });
  }
}

const none = '-';
const percent = (share: number | null) => (share === null ? none : `${(100 * share).toFixed(1)} %`);
const fixed = (value: number | null, digits: number) => (value === null ? none : value.toFixed(digits));

const signed = (value: number | null) => (value === null ? none : `${value < 0 ? '' : '+'}${value.toFixed(2)}`);

function formatStatus(report: TrafficReport, stream: NodeJS.WriteStream): string {
  const { profile, arms, comparisons, fault } = report;
  const rows = arms.map(({ model, role, share, shareNow, items, errorShare, meanInferenceMs, ...scores }) => [
    model,
    role,
    percent(share),
    percent(shareNow),
    whole(items),
    percent(errorShare),
    `${fixed(scores.meanScore, 2)}${scores.meanScoreMargin === null ? '' : ` ± ${scores.meanScoreMargin.toFixed(2)}`}`,
    meanInferenceMs === null ? none : `${meanInferenceMs.toFixed(1)} ms`,
  ]);
  return [
    `${styled(stream, 'bold', profile)}\n`,
    ...(fault === null ? [] : [`${styled(stream, 'yellow', 'a model gets no images')}: ${fault}\n`]),
    table(stream, [['MODEL', 'ROLE', 'SHARE', 'NOW', 'ITEMS', 'FAILED', 'MEAN SCORE', 'INFERENCE'], ...rows]),
    ...formatCanary(report, stream),
    ...comparisons.map(formatComparison),
  ].join('');
}

function formatCanary({ canary }: TrafficReport, stream: NodeJS.WriteStream): string[] {
  if (canary === null) return [];
  const { model, phase, reason, window, passed, promoteAfter, windows } = canary;
  const colour = phase === 'promoted' ? 'green' : phase === 'rolled_back' ? 'red' : 'yellow';
  const because = reason === null ? '' : ` (${reason})`;
  const lines = [`canary ${model}: ${styled(stream, colour, phase.replace('_', ' '))}${because}\n`];
  if (window !== null) {
    const of = `${whole(window.items)} of ${counted(window.of, 'item')}`;
    lines.push(
      `  window ${window.number}: ${of}; ${passed} of the ${promoteAfter} consecutive windows needed for promotion have passed\n`,
    );
  }
  for (const { number, verdict, reasons, endedAt } of windows.slice(0, 3)) {
    const ended = inUtc(endedAt);
    lines.push(`  window ${number}: ${verdict}, ${ended} UTC${reasons.map((text) => `\n    ${text}`).join('')}\n`);
  }
  return lines;
}

function formatComparison({
  kind,
  candidate,
  reference,
  comparedBy,
  pairs,
  failed,
  ...differences
}: Comparison): string {
  const about = `${kind} ${candidate} compared with ${reference}: ${counted(pairs, 'item')} scored by both models`;
  if (pairs === 0) return `${about}\n`;
  const figures = [
    ...(comparedBy === 'ranks'
      ? ['scores not compared, because models of different families have different scales']
      : [
          `mean difference (candidate minus reference) ${signed(differences.meanDifference)} points`,
          `absolute difference: mean ${fixed(differences.meanAbsoluteDifference, 2)}, maximum ${fixed(differences.maxAbsoluteDifference, 2)}`,
        ]),
    `rank correlation ${fixed(differences.rankCorrelation, 3)}`,
    ...(failed > 0 ? [`${whole(failed)} failed`] : []),
  ];
  return `${about}; ${figures.join('; ')}\n`;
}
