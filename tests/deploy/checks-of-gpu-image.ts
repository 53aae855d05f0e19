import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from './command.ts';
import { type Report, same } from './report.ts';
import { docker } from './stack.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dockerfile = join(root, 'deploy/Dockerfile');

/**
 * Rehearses the build of the GPU image where there are neither CUDA's image nor ONNX Runtime's download: the base of the CPU
 * image stands in for CUDA, and another library or program for the provider. Every other instruction is the real one.
 * @param image the built CPU image, which has the packages and the program with libraries that the base does not have.
 */
export async function checkGpuImage(
  report: Report,
  directory: string,
  image: string,
  nodeImage: string,
): Promise<void> {
  for (const device of ['cpu', 'gpu']) {
    await report.check(`the builder finds no fault in the Dockerfile with DEVICE=${device}`, async () => {
      const { stdout, stderr } = await docker(
        ...['buildx', 'build', '--check', '-f', dockerfile, '--build-arg', `DEVICE=${device}`],
        ...['--build-arg', `NODE_IMAGE=${nodeImage}`, '--build-arg', `CUDA_IMAGE=${nodeImage}`, root],
      );
      same(/no warnings found/.test(stdout + stderr), true, 'the absence of warnings');
    });
  }

  /** The packages with a stand-in for the provider: a file of the image. */
  async function packagesWith(name: string, provider: string): Promise<string> {
    const context = join(directory, name);
    mkdirSync(context, { recursive: true });
    const library = '/app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so';
    writeFileSync(
      join(context, 'Dockerfile'),
      [
        `FROM ${image} AS built`,
        `FROM ${nodeImage}`,
        'WORKDIR /app',
        'COPY --from=built /app/node_modules node_modules',
        'COPY --from=built /app/sbom.cdx.json sbom.cdx.json',
        `COPY --from=built ${provider} ${library}`,
        'RUN mkdir data',
      ].join('\n'),
    );
    const tag = `vls-check-${name}:1.0.0`;
    await docker('build', '--quiet', '--tag', tag, context);
    return tag;
  }
  const build = (packages: string, tag: string) =>
    runProgram('docker', [
      ...['buildx', 'build', '--load', '--tag', tag, '-f', dockerfile, '--build-arg', 'DEVICE=gpu'],
      ...['--build-arg', `NODE_IMAGE=${nodeImage}`, '--build-arg', `CUDA_IMAGE=${nodeImage}`],
      ...['--build-context', `packages-gpu=docker-image://${packages}`, root],
    ]);
  const tag = 'vls-check-gpu:1.0.0';
  const made = [tag];
  try {
    await report.check('the GPU image is built on stand-ins for CUDA and the provider', async () => {
      const packages = await packagesWith(
        'provider',
        '/app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1',
      );
      made.push(packages);
      await build(packages, tag);
      const inImage = async (...[program = '', ...args]: string[]) =>
        (await docker('run', '--rm', '--network', 'none', '--entrypoint', program, tag, ...args)).stdout.trim();
      same(await inImage('id', '-u'), '1000', 'its user');
      same(
        (await inImage('cat', '/usr/share/vls/linked-to-cuda')).includes('libc.so'),
        true,
        'the list of linked libraries',
      );
      same(/^Redis server/.test(await inImage('redis-server', '--version')), true, 'the presence of Redis');
      return await inImage('node', '--version');
    });
    await report.check('the GPU image is not built on a base without the libraries of the provider', async () => {
      // Redis is linked to libraries of its own, which the stand-in for CUDA does not have.
      const packages = await packagesWith('unlinked', '/usr/bin/redis-server');
      made.push(packages);
      const answer = await build(packages, 'vls-check-unlinked-gpu:1.0.0').then(
        () => 'built',
        (error: Error) => error.message,
      );
      same(/not found/.test(answer), true, 'the complaint of the linker');
      return /lib\S+(?= => not found)/.exec(answer)?.[0];
    });
  } finally {
    await docker('image', 'rm', '--force', ...made).catch(() => {});
  }
}
