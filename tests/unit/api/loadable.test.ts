import { expect, test } from 'vitest';
import { checkLoadable } from '../../../api/loadable.ts';
import type { Arm } from '../../../shared/contracts/traffic.ts';

const pinned = { model: 'm', revision: '1' };
const failed = { ...pinned, state: 'failed' as const, detail: 'its golden values differ' };

test('a batch for a model that fails to load is refused with the reason', () => {
  expect(() => checkLoadable(pinned, [failed])).toThrow('m cannot be loaded: its golden values differ');
});

test('a model that is loading, ready, of another revision or untried is accepted', () => {
  for (const state of ['loading', 'ready'] as const) checkLoadable(pinned, [{ ...failed, state }]);
  checkLoadable(pinned, [{ ...failed, revision: '2' }]);
  checkLoadable(pinned, []);
});

test('each of several models must load, except the canary, for which the main model answers', () => {
  const arm = (role: Arm['role'], model: string) => ({ role, model, revision: '1' }) as Arm;
  const shared = (...arms: Arm[]) => ({ ...pinned, traffic: { profile: 'p', arms } as never });
  const other = { ...failed, model: 'other' };
  expect(() => checkLoadable(shared(arm('main', 'm'), arm('split', 'other')), [other])).toThrow(
    'other cannot be loaded',
  );
  checkLoadable(shared(arm('main', 'm'), arm('canary', 'other')), [other]);
});
