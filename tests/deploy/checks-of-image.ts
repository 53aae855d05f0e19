import { readFileSync } from 'node:fs';
import { type Report, same } from './report.ts';
import { docker } from './stack.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const guide = readFileSync(new URL('../../docs/deployment.md', import.meta.url), 'utf8');

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
    const unused = ['*.map', '*.d.ts', '*.d.mts', '*.d.cts'].flatMap((name) => ['-o', '-name', name]).slice(1);
    same(await inImage('find', '/app/node_modules', ...unused), '', 'the list of source maps and declarations');
    return `${sbom.components.length} packages`;
  });
  await report.check('its size and that of its parts are those of the guide', async () => {
    // The engine's own number counts compressed layers too where it has the containerd image store.
    const measure = async (path: string) => {
      const [bytes] = (await inImage('sh', '-c', `du -sbx ${path} 2>/dev/null; true`)).split('\t');
      return Number(bytes) / 1e6;
    };
    const [all = 0, app = 0, packages = 0, node = 0] = await Promise.all(
      ['/', '/app', '/app/node_modules', '/usr/local'].map(measure),
    );
    const sizes = [
      ['the image, uncompressed', all],
      ['… packages', packages],
      ['… Node', node],
      ['… Debian and `redis-server`', all - app - node],
      ['… sources, page and `compact`', app - packages],
    ] as const;
    for (const [part, found] of sizes) {
      const line = guide.split('\n').find((text) => text.startsWith(`| ${part} `));
      const stated = Number(/\| (\d+) MB/.exec(line ?? '')?.[1]);
      // The base images of this engine may be others.
      if (!(Math.abs(found - stated) < 0.2 * stated))
        throw new Error(`'${part}' is ${found.toFixed(0)} MB here, and ${stated} MB in docs/deployment.md`);
    }
    return sizes.map(([part, found]) => `${part.replace('… ', '')} ${found.toFixed(0)} MB`).join(', ');
  });
}
