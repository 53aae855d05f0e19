import { spawnSync } from 'node:child_process';
import { chownSync, cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { copyBuildContext } from '../../support/build-context.ts';
import { environmentOf, execForm, type Instruction, parseDockerfile, type Stage } from '../../support/dockerfile.ts';

/** An image without an engine: the directory its instructions have filled, and what they say about running it. */
export interface BuiltImage {
  /** Stands for `/`. */
  root: string;
  workdir: string;
  environment: Record<string, string>;
  user: string;
  entrypoint: string[];
  command: string[];
  healthcheck: string[];
  /** Debian packages that this machine has to bring, because a test may not install any. */
  systemPackages: string[];
}

/**
 * Executes the instructions of a Dockerfile below `directory`, in the order that they stand in: the stages that the last
 * one is made from, each in a directory of its own. Base images are empty, and Node is that of this process.
 * @throws when an instruction fails, or is one that is not known here.
 */
export function buildImage(root: string, dockerfile: string, directory: string): BuiltImage {
  const context = join(directory, 'context');
  mkdirSync(context, { recursive: true });
  copyBuildContext(root, context);
  const stages = parseDockerfile(readFileSync(join(root, dockerfile), 'utf8'));
  const built = new Map<string, BuiltImage>();

  function build(stage: Stage): BuiltImage {
    const base = imageOf(stage.from);
    // Another name for its base.
    if (stage.instructions.length === 0) return base;
    const image: BuiltImage = {
      ...base,
      environment: { ...base.environment },
      systemPackages: [...base.systemPackages],
      root: join(directory, stage.name || 'image'),
    };
    mkdirSync(image.root, { recursive: true });
    if (base.root !== '') cpSync(base.root, image.root, { recursive: true, verbatimSymlinks: true });
    for (const instruction of stage.instructions) apply(image, instruction);
    return image;
  }

  function imageOf(name: string): BuiltImage {
    const stage = stages.find((candidate) => candidate.name === name);
    if (stage === undefined) return emptyImage;
    const image = built.get(name) ?? build(stage);
    built.set(name, image);
    return image;
  }

  function apply(image: BuiltImage, { name, flags, argument }: Instruction): void {
    switch (name) {
      case 'WORKDIR':
        image.workdir = argument;
        mkdirSync(join(image.root, argument), { recursive: true });
        return;
      case 'ENV':
        Object.assign(image.environment, environmentOf(argument));
        return;
      case 'RUN':
        run(image, argument, root);
        return;
      case 'COPY':
        copy(image, flags, argument.split(/\s+/));
        return;
      case 'USER':
        image.user = argument;
        return;
      case 'ENTRYPOINT':
        image.entrypoint = execForm(argument);
        return;
      case 'CMD':
        image.command = execForm(argument);
        return;
      case 'HEALTHCHECK':
        image.healthcheck = execForm(argument.replace(/^CMD\s+/, ''));
        return;
      case 'ARG':
      case 'EXPOSE':
      case 'LABEL':
      case 'STOPSIGNAL':
        return;
      default:
        throw new Error(`${name} is not known here`);
    }
  }

  function copy(image: BuiltImage, flags: Record<string, string>, paths: string[]): void {
    const from = flags['from'] === undefined ? context : imageOf(flags['from']).root;
    const to = paths.at(-1) ?? '';
    const target = to.startsWith('/') ? join(image.root, to) : join(image.root, image.workdir, to);
    const sources = paths.slice(0, -1);
    for (const source of sources) {
      const isFileInto = sources.length > 1 || to.endsWith('/');
      const destination = isFileInto ? join(target, source.split('/').at(-1) ?? '') : target;
      mkdirSync(dirname(destination), { recursive: true });
      cpSync(join(from, source), destination, { recursive: true, verbatimSymlinks: true });
    }
    const [uid, gid] = (flags['chown'] ?? '').split(':').map(Number);
    if (uid !== undefined && gid !== undefined && process.getuid?.() === 0) chownSync(target, uid, gid);
  }

  const last = stages.at(-1);
  if (last === undefined) throw new Error(`${dockerfile} has no stage`);
  return build(last);
}

const emptyImage: BuiltImage = {
  root: '',
  workdir: '/',
  environment: {},
  user: 'root',
  entrypoint: [],
  command: [],
  healthcheck: [],
  systemPackages: [],
};

/** @param checkout the checkout of these tests, whose packages are those of the lock file. */
function run(image: BuiltImage, command: string, checkout: string): void {
  const [, packages] =
    /^apt-get update && apt-get install -y --no-install-recommends ([\w -]+) && rm -rf/.exec(command) ?? [];
  if (packages !== undefined) {
    image.systemPackages.push(...packages.split(' '));
    return;
  }
  // A second installation of all packages would take 25 s of CPU. `npm ci --omit=dev` of the same files is executed.
  if (command === 'npm ci --ignore-scripts') {
    symlinkSync(join(checkout, 'node_modules'), join(image.root, image.workdir, 'node_modules'));
    return;
  }
  const { status, stdout, stderr } = spawnSync('sh', ['-c', command], {
    cwd: join(image.root, image.workdir),
    env: { ...hostEnvironment(), ...image.environment },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`RUN ${command}\n${stdout}${stderr}`);
}

const kept = /^(HOME|LANG|npm_config_(registry|cache|userconfig|cafile)|NODE_EXTRA_CA_CERTS|\w+_proxy)$/i;

/** Nothing of this process's environment but what finds programs and npm's registry and cache. */
export function hostEnvironment(): Record<string, string> {
  const variables = Object.entries(process.env).filter(([name]) => kept.test(name));
  const path = [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter);
  return { ...(Object.fromEntries(variables) as Record<string, string>), PATH: path };
}
