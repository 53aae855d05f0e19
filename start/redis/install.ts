import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { childEnvironment } from '../../shared/child-environment.js';
import { findProgram, findRedisServer } from './find.ts';

const run = promisify(execFile);

/**
 * A package manager with an install command that asks no questions. Its packages are tried in order: some systems have
 * only Valkey.
 */
interface PackageManager {
  readonly tool: string;
  readonly install: readonly string[];
  /** Loads the package lists, which a fresh container lacks. It runs once if no package was found. */
  readonly refresh?: readonly string[];
  readonly packages: readonly string[];
  readonly needsRoot: boolean;
}

const managers: readonly PackageManager[] = [
  {
    tool: 'apt-get',
    install: ['install', '--yes', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=60'],
    refresh: ['update', '-o', 'DPkg::Lock::Timeout=60'],
    packages: ['redis-server'],
    needsRoot: true,
  },
  { tool: 'dnf', install: ['install', '--assumeyes'], packages: ['redis', 'valkey'], needsRoot: true },
  { tool: 'yum', install: ['install', '--assumeyes'], packages: ['redis', 'valkey'], needsRoot: true },
  { tool: 'apk', install: ['add', '--no-cache'], packages: ['redis', 'valkey'], needsRoot: true },
  {
    tool: 'pacman',
    install: ['-S', '--noconfirm', '--needed'],
    refresh: ['-Sy'],
    packages: ['valkey', 'redis'],
    needsRoot: true,
  },
  {
    tool: 'zypper',
    install: ['--non-interactive', 'install'],
    refresh: ['--non-interactive', 'refresh'],
    packages: ['redis', 'valkey'],
    needsRoot: true,
  },
  { tool: 'brew', install: ['install'], packages: ['redis'], needsRoot: false },
];

/** Returns the command with which a person installs Redis on this system, or undefined. */
export function installCommandForPeople(): string | undefined {
  const manager = presentManager();
  if (manager === undefined) return undefined;
  const flags = manager.tool === 'pacman' ? ['-S'] : ['install'];
  const command = [manager.tool, ...(manager.tool === 'apk' ? ['add'] : flags), manager.packages[0]].join(' ');
  return manager.needsRoot && process.getuid?.() !== 0 ? `sudo ${command}` : command;
}

/**
 * Installs Redis with the system's package manager, if that needs no password.
 * @returns the path of the server program, or the reason of the failure.
 */
export async function installRedis(say: (line: string) => void): Promise<{ program: string } | { failed: string }> {
  const manager = presentManager();
  if (manager === undefined) return { failed: 'no known package manager was found' };
  const privilege = manager.needsRoot ? await passwordlessRoot() : [];
  if (privilege === undefined) return { failed: `${manager.tool} needs a password` };

  say(`Redis is not installed; installing it with ${manager.tool} (once)…`);
  const runAsRoot = (command: readonly string[]) => runCommand([...privilege, ...command]);
  const undisturb = await keepServiceFromStarting(runAsRoot);
  try {
    return await install(manager, runAsRoot);
  } finally {
    await undisturb();
  }
}

async function install(
  manager: PackageManager,
  runAsRoot: RunAsRoot,
): Promise<{ program: string } | { failed: string }> {
  const command = (name: string) => [...quietEnvironment, manager.tool, ...manager.install, name];
  let failed = '';
  for (const attempt of ['as it is', 'refreshed'] as const) {
    if (attempt === 'refreshed') {
      if (manager.refresh === undefined) break;
      await runAsRoot([...quietEnvironment, manager.tool, ...manager.refresh]);
    }
    for (const name of manager.packages) {
      const fault = await runAsRoot(command(name));
      const program = findRedisServer();
      if (fault === undefined && program !== undefined) return { program };
      failed = `${manager.tool} could not install ${name}${fault === undefined ? '' : `: ${fault}`}`;
    }
  }
  return { failed };
}

// Without systemd, RUNLEVEL=1 keeps Debian's invoke-rc.d from starting the service. sudo drops its caller's variables,
// so `env` sets them.
export const quietEnvironment = ['env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'HOMEBREW_NO_ENV_HINTS=1'];

type RunAsRoot = (command: readonly string[]) => Promise<string | undefined>;

/**
 * Keeps Debian's package from starting a Redis on port 6379. It masks the service until the returned function disables
 * it. A mask left by a killed process is gone after the next boot.
 */
async function keepServiceFromStarting(runAsRoot: RunAsRoot): Promise<() => Promise<void>> {
  if (!existsSync('/run/systemd/system') || findProgram('apt-get') === undefined) return async () => {};
  await runAsRoot(['systemctl', 'mask', '--runtime', 'redis-server.service']);
  return async () => {
    await runAsRoot(['systemctl', 'unmask', '--runtime', 'redis-server.service']);
    await runAsRoot(['systemctl', 'disable', 'redis-server.service']);
  };
}

function presentManager(): PackageManager | undefined {
  const candidates = process.platform === 'darwin' ? managers.filter(({ tool }) => tool === 'brew') : managers;
  return candidates.find(({ tool }) => findProgram(tool) !== undefined);
}

/**
 * Returns the words that make a command run as root, none if this process is root, or undefined if a password is
 * needed.
 */
export async function passwordlessRoot(): Promise<readonly string[] | undefined> {
  if (process.getuid?.() === 0) return [];
  return (await runCommand(['sudo', '-n', 'true'])) === undefined ? ['sudo', '-n'] : undefined;
}

/** Runs a command. @returns undefined after success, else the last line of its error output. */
export async function runCommand([program = '', ...args]: readonly string[]): Promise<string | undefined> {
  try {
    await run(program, args, { maxBuffer: 64 * 1024 * 1024, env: childEnvironment('systemInstall') });
    return undefined;
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    return stderr.trim().split('\n').at(-1) || message;
  }
}
