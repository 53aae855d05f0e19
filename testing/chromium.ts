import { findProgram } from '../start/redis/find.ts';
import { passwordlessRoot, quietEnvironment, runCommand } from '../start/redis/install.ts';

export const findChromium = (): string | undefined =>
  ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']
    .map((name) => findProgram(name))
    .find((program) => program !== undefined);

/**
 * Installs Debian's Chromium if that needs no password.
 * @returns undefined when Chromium is installed, otherwise the reason why it is missing.
 */
export async function installChromium(say: (line: string) => void): Promise<string | undefined> {
  if (findChromium() !== undefined) return undefined;
  if (findProgram('apt-get') === undefined)
    return 'it can be installed only with apt-get, which this system does not have';
  const privilege = await passwordlessRoot();
  if (privilege === undefined) return 'apt-get needs a password';
  say('Chromium is not installed; installing it with apt-get (once)…');
  const apt = [...privilege, ...quietEnvironment, 'apt-get', '-o', 'DPkg::Lock::Timeout=60'];
  const install = [...apt, 'install', '--yes', '--no-install-recommends', 'chromium'];
  let fault = await runCommand(install);
  if (fault !== undefined) {
    // A fresh container has no package lists.
    await runCommand([...apt, 'update']);
    fault = await runCommand(install);
  }
  return findChromium() === undefined ? (fault ?? 'apt-get installed none') : undefined;
}
