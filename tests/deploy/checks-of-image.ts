import { readFileSync } from 'node:fs';
import { type Report, same } from './report.ts';
import { docker } from './stack.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Checks a built image: user, labels, contents, and that its root file system is not needed for writing. */
export async function checkImage(report: Report, image: string): Promise<void> {
  const inImage = async (...command: string[]) => {
    const [program = '', ...args] = command;
    const flags = ['--rm', '--read-only', '--network', 'none', '--entrypoint', program];
    return (await docker('run', ...flags, image, ...args)).stdout.trim();
  };
  await report.check('the image has no root, a version, a licence and a health check', async () => {
    const [found] = JSON.parse((await docker('image', 'inspect', image)).stdout) as {
      Config: { User: string; Labels: Record<string, string>; Healthcheck?: { Test: string[] } };
    }[];
    same(found?.Config.User, '1000:1000', 'its user');
    same(found?.Config.Labels['org.opencontainers.image.version'], version, 'its version');
    same(found?.Config.Labels['org.opencontainers.image.licenses'], 'Apache-2.0', 'its licence');
    same(found?.Config.Healthcheck?.Test.at(-1), 'deploy/health.ts', 'its health check');
    // The engine's own number counts compressed layers too where it has the containerd image store.
    const [bytes] = (await inImage('sh', '-c', 'du -sbx / 2>/dev/null; true')).split('\t');
    return `${Math.round(Number(bytes) / 1e6)} MB`;
  });
  await report.check('its processes are user 1000, have no capabilities and cannot write to it', async () => {
    same(await inImage('id', '-u'), '1000', 'the user');
    const status = await inImage('cat', '/proc/self/status');
    same(/^CapEff:\s+(\S+)/m.exec(status)?.[1], '0000000000000000', 'the set of capabilities');
    const tried = await inImage('sh', '-c', 'touch /app/new /usr/new 2>/dev/null && echo written || echo refused');
    same(tried, 'refused', 'a write');
  });
  await report.check('it lists its packages, and has none of the tools of development', async () => {
    const tools = await inImage('sh', '-c', 'command -v npm npx yarn corepack gcc python3 curl; true');
    same(tools, '', 'the list of tools');
    const sbom = JSON.parse(await inImage('cat', '/app/sbom.cdx.json')) as {
      bomFormat: string;
      components: { name: string }[];
    };
    same(sbom.bomFormat, 'CycloneDX', 'its format');
    const names = new Set((await inImage('ls', '/app/node_modules')).split('\n'));
    for (const tool of ['vitest', 'vite', 'typescript', '@biomejs', 'playwright-core'])
      same(names.has(tool), false, tool);
    same(await inImage('find', '/app/node_modules', '-name', '*.map'), '', 'the list of source maps');
    return `${sbom.components.length} packages`;
  });
  await report.check('its size by part', async () => {
    const sizes = await inImage(
      'sh',
      '-c',
      'du -sm /app/node_modules /app/models /app/web /usr/local /usr /var 2>/dev/null; true',
    );
    return sizes.replaceAll('\t', ' MB ').replaceAll('\n', ', ');
  });
}
