import { type Report, same } from './report.ts';
import { docker, type Stack } from './stack.ts';

/** Checks how the engine runs the containers: users, root file systems, capabilities, limits, command lines. */
export async function checkContainers(report: Report, stack: Stack): Promise<void> {
  const containers = await stack.containers();
  await report.check('every container is healthy', () => {
    for (const { Name, State } of containers)
      same([State.Status, State.Health?.Status ?? 'healthy'], ['running', 'healthy'], Name);
    return `${containers.length}`;
  });
  await report.check(
    'no container has a root user, capabilities, more privileges or a root file system to write to',
    () => {
      for (const { Name, Config, HostConfig } of containers) {
        if (/^(root|0)?(:|$)/.test(Config.User)) throw new Error(`${Name} has the user '${Config.User}'`);
        same(HostConfig.ReadonlyRootfs, true, `ReadonlyRootfs of ${Name}`);
        same(HostConfig.CapDrop, ['ALL'], `CapDrop of ${Name}`);
        same(HostConfig.SecurityOpt?.includes('no-new-privileges:true'), true, `no-new-privileges of ${Name}`);
      }
    },
  );
  await report.check('no process of a container belongs to root', async () => {
    for (const { Id, Name } of containers) {
      const { stdout } = await docker('top', Id, '-eo', 'uid,pid');
      const users = stdout
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => line.trim().split(/\s+/)[0]);
      if (users.length === 0 || users.includes('0')) throw new Error(`${Name} has processes of ${users}`);
    }
  });
  await report.check('every container has limits of memory and processes, and does not swap', () => {
    for (const { Name, HostConfig } of containers) {
      if (HostConfig.Memory === 0 || (HostConfig.PidsLimit ?? 0) <= 0) throw new Error(`${Name} has no limits`);
      same(HostConfig.MemorySwap, HostConfig.Memory, `MemorySwap of ${Name}`);
    }
  });
  await report.check('API and workers may use all CPUs', async () => {
    for (const { Name, HostConfig } of await stack.containers('api', 'worker'))
      same(HostConfig.CpusetCpus, '', `the CPUs of ${Name}`);
    const cpus = 'process.stdout.write(String(os.availableParallelism()))';
    const seen = (await stack.compose('exec', '-T', 'worker', 'node', '-e', cpus)).stdout;
    const all = (await docker('info', '--format', '{{.NCPU}}')).stdout.trim();
    same(seen, all, 'the number of CPUs of the worker');
    return `${all}`;
  });
  await report.check('no command line shows a secret, and no variable the metrics token', async () => {
    const [metricsToken = ''] = stack.secrets;
    for (const { Name, Config } of containers)
      same(JSON.stringify(Config).includes(metricsToken), false, `the metrics token in the configuration of ${Name}`);
    for (const { Id, Name } of containers) {
      const { stdout } = await docker('top', Id, '-eo', 'pid,args');
      for (const secret of stack.secrets)
        same(stdout.includes(secret), false, `a secret in the command line of ${Name}`);
    }
  });
  await report.check('Redis refuses clients without the password', async () => {
    const { stdout } = await stack.compose('exec', '-T', '-e', 'REDISCLI_AUTH=', 'redis', 'redis-cli', 'ping');
    if (!stdout.includes('NOAUTH')) throw new Error(`it answers ${stdout.trim()}`);
  });
}
