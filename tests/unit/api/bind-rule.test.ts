import { expect, test } from 'vitest';
import { checkBindRule } from '../../../api/bind-rule.ts';
import { readConfig } from '../../../shared/config.ts';

const entry = `0123456789ab:ours:tenant:${'0'.repeat(64)}`;

test.each([
  {},
  { HOST: 'localhost' },
  { HOST: '::1' },
  { HOST: '127.8.8.8' },
  { HOST: '0.0.0.0', ALLOW_ANONYMOUS: '1' },
  { HOST: '0.0.0.0', API_KEYS: entry },
  { HOST: '0.0.0.0', API_KEYS_FILE: 'keys.jsonl' },
])('the API may listen on %o', (env) => {
  expect(() => checkBindRule(readConfig(env))).not.toThrow();
});

test.each([{ HOST: '0.0.0.0' }, { HOST: '::' }, { HOST: '192.168.1.2' }, { HOST: 'vls.example' }])(
  '%o is refused without keys, with a message that says what to set',
  (env) => {
    expect(() => checkBindRule(readConfig(env))).toThrow(/API_KEYS_FILE.*ALLOW_ANONYMOUS=1/);
  },
);
