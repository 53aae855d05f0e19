import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TrafficReport } from '../../../shared/contracts/traffic.ts';
import { captions, photoNames } from '../../../testing/images/host.ts';
import { until } from '../../../testing/until.ts';
import { useService } from '../../support/running-service.ts';
import { createSharedProfile } from '../../support/shared-profile.ts';
import { vls } from '../../support/vls.ts';

const profile = createSharedProfile('twin', { window: { items: 1_000 } });
const running = useService({ MODELS_FILE: profile.path });
let env: Record<string, string>;

beforeAll(async () => {
  env = { VLS_URL: running.service.url };
  // The first request does not wait for Redis to report the phase of the canary.
  await running.client.call('/v1/traffic');
  const items = photoNames.flatMap((name) =>
    [0, 1, 2, 3, 4].map((at) => ({ image: running.host.url(`${name}?${at}`), text: `${captions[name]} ${at}` })),
  );
  const { body } = await running.client.batch.post(items, { model: 'shared' });
  await running.client.batch.finished(body.id);
  const counted = async () => (await report()).arms.reduce((sum, arm) => sum + arm.items, 0);
  await until(async () => expect(await counted()).toBe(items.length));
  // Comparisons are made after the answer: the shadow scores all items, the main model those that the canary answered.
  const canaryItems = (await report()).arms.find(({ role }) => role === 'canary')?.items;
  const pairsOf = async (name: string) => (await report()).comparisons.find(({ kind }) => kind === name)?.pairs;
  await until(async () => expect(await pairsOf('shadow')).toBe(items.length));
  await until(async () => expect(await pairsOf('canary')).toBe(canaryItems));
});
afterAll(() => profile.remove());

const report = async () => (await running.client.call<TrafficReport>('/v1/traffic/shared')).body;

describe('vls traffic', () => {
  test('shows who answers for how much, how the canary does, and how far the shadow is away', async () => {
    const { code, stdout } = await vls(['traffic'], { env });
    expect(code).toBe(0);
    const { arms, comparisons } = await report();
    const [main, canary] = arms;
    expect(stdout).toMatch(/^shared\nMODEL +ROLE +SHARE +NOW +ITEMS +FAILED +MEAN SCORE +INFERENCE\n/);
    const margin = `${main?.meanScore?.toFixed(2)} ± ${main?.meanScoreMargin?.toFixed(2)}`;
    expect(stdout).toMatch(
      new RegExp(`^compact-1 +main +50\\.0 % +50\\.0 % +${main?.items} +0\\.0 % +${margin} `, 'm'),
    );
    expect(stdout).toMatch(new RegExp(`^twin +canary +50\\.0 % +50\\.0 % +${canary?.items} `, 'm'));
    expect(stdout).toContain(
      `canary twin: trial\n  window 1: ${canary?.items} of 1,000 items; 0 of the 3 consecutive windows needed for promotion have passed\n`,
    );
    const compared = comparisons.find(({ kind }) => kind === 'canary');
    expect(stdout).toContain(
      `canary twin compared with compact-1: ${compared?.pairs} items scored by both models; mean difference (candidate minus reference) +0.00 points; absolute difference: mean 0.00, maximum 0.00; rank`,
    );
    const shadow = comparisons.find(({ kind }) => kind === 'shadow');
    expect(stdout).toContain(
      `shadow tiny compared with the model that answered: 30 items scored by both models; scores not compared, because models of different families have different scales; rank correlation ${shadow?.rankCorrelation?.toFixed(3)}`,
    );
    expect((await vls(['traffic', 'shared'], { env })).stdout).toBe(stdout);
  });

  test('gives the report of the API as JSON', async () => {
    const { stdout } = await vls(['traffic', 'shared', '--json'], { env });
    expect(JSON.parse(stdout)).toEqual(await report());
    expect(JSON.parse((await vls(['traffic', '--json'], { env })).stdout)).toEqual({ profiles: [await report()] });
  });

  test.each([
    ['promote', 'canary twin: promoted (decided by an operator)\n', 'promoted', [0, 1]],
    ['rollback', 'canary twin: rolled back (decided by an operator)\n', 'rolled_back', [1, 0]],
    ['restart', 'canary twin: trial (decided by an operator)\n', 'trial', [0.5, 0.5]],
  ])('%s decides what becomes of the canary', async (action, said, phase, shares) => {
    const { code, stdout } = await vls(['traffic', action, 'shared'], { env });
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining(said) });
    const { canary, arms } = await report();
    expect(canary).toMatchObject({ phase });
    expect(arms.map(({ shareNow }) => shareNow)).toEqual(shares);
  });

  test('says so where one model has all of a profile', async () => {
    const { code, stderr } = await vls(['traffic', 'promote', 'compact'], { env });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('The profile compact has only one model'),
    });
  });
});
