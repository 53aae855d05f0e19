import { readFileSync } from 'node:fs';
import { isAtLeast, runProgram } from './command.ts';
import { docker } from './stack.ts';

export const howToGetAnEngine = `There is no Docker engine that answers.
  Debian and Ubuntu: https://docs.docker.com/engine/install/ ; a virtual machine or Docker Desktop elsewhere.
  An engine on another machine or socket: DOCKER_HOST=unix:///path/docker.sock npm run deploy:check
  Engine 25 and Compose 2.24 or newer are needed, and 6 GB of free disk space.`;

/** The versions of engine and compose. @throws {Error} that says what is missing and how to get it. */
export async function findEngine(): Promise<{ engine: string; compose: string }> {
  const engine = await docker('version', '--format', '{{.Server.Version}}').then(
    ({ stdout }) => stdout.trim(),
    (error: Error) => {
      throw new Error(`${howToGetAnEngine}\n${error.message}`);
    },
  );
  const api = (await docker('version', '--format', '{{.Server.APIVersion}}')).stdout.trim();
  // Engine 25 has the API 1.44. Engines that are built from source may have no version.
  if (!isAtLeast(api, '1.44')) throw new Error(`The engine is ${engine}, and has to be 25 or newer.`);
  const compose = await runProgram('docker', ['compose', 'version', '--short']).then(
    ({ stdout }) => stdout.trim(),
    () => '0',
  );
  if (!isAtLeast(compose, '2.24')) throw new Error(`Docker Compose is ${compose}, and has to be 2.24 or newer.`);
  return { engine, compose };
}

const listed = JSON.parse(readFileSync(new URL('../../deploy/images.json', import.meta.url), 'utf8')) as Record<
  string,
  string
>;

/** The image that compose uses for a service: that of its variable, or of deploy/images.json. */
export const imageOf = (name: string): string => process.env[`${name.toUpperCase()}_IMAGE`] ?? listed[name] ?? name;

/** True if the image is there, or could be pulled. */
export async function hasImage(image: string): Promise<boolean> {
  const works = (run: Promise<unknown>) =>
    run.then(
      () => true,
      () => false,
    );
  return (await works(docker('image', 'inspect', image))) || (await works(docker('pull', '--quiet', image)));
}
