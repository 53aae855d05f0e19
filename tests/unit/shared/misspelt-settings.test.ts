import { expect, test } from 'vitest';
import { readConfig, settings } from '../../../shared/config.ts';
import { findMisspeltSettings } from '../../../shared/misspelt-settings.ts';

test.each([
  ['IMAGE_HOSTS_ALOW', 'IMAGE_HOSTS_ALLOW'],
  ['IMAGE_HOST_ALLOW', 'IMAGE_HOSTS_ALLOW'],
  ['API_KEYS_FIEL', 'API_KEYS_FILE'],
  ['REDIS_URI', 'REDIS_URL'],
  ['DEVCE', 'DEVICE'],
  ['DEVIEC', 'DEVICE'],
])('%s is reported, with the setting %s', (variable, nearest) => {
  expect(findMisspeltSettings({ [variable]: '1' })).toMatchObject([{ variable, nearest }]);
});

test('no setting is reported, not even one whose name nearly equals that of another', () => {
  const all = Object.fromEntries(Object.values(settings).map(({ env }) => [env, '1']));
  expect(findMisspeltSettings(all)).toEqual([]);
});

test('variables of other programs are not reported', () => {
  const others = ['PATH', 'HOME', 'LANG', 'TERM', 'SHELL', 'PWD', 'USER', 'POST', 'MODE', 'JAVA_HOME', 'NVM_HOME'];
  const more = ['https_proxy', 'XDG_DATA_DIRS', 'NODE_ENV', 'NO_COLOR', 'CI', 'AWS_ACCESS_KEY_ID', 'HF_HUB_CACHE'];
  expect(findMisspeltSettings(Object.fromEntries([...others, ...more].map((name) => [name, '1'])))).toEqual([]);
});

test('a misspelt setting does not stop the start', () => {
  expect(readConfig({ IMAGE_HOSTS_ALOW: 'a.test' }).imageHostsAllow).toEqual([]);
});
