import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { isAlive, start, temporaryDirectory, untilGone } from './started.ts';

const startDirectory = join(dirname(fileURLToPath(import.meta.url)), '../../../start');

/** A throw-away package with the real bootstrap, an entry, and an npm that only notes that it ran. */
function throwAwayPackage(entry: string, npm = '') {
  const root = temporaryDirectory();
  cpSync(join(startDirectory, 'bootstrap'), join(root, 'start', 'bootstrap'), { recursive: true });
  cpSync(join(startDirectory, 'bootstrap.js'), join(root, 'start', 'bootstrap.js'));
  cpSync(join(startDirectory, '../shared/child-environment.js'), join(root, 'shared', 'child-environment.js'));
  writeFileSync(
    join(root, 'package.json'),
    '{ "name": "throw-away", "version": "1.0.0", "private": true, "type": "module" }',
  );
  writeLock(root, 'first');
  writeFileSync(join(root, 'entry.ts'), entry);
  const npmCli = join(root, 'npm-cli.js');
  writeFileSync(
    npmCli,
    `import { appendFileSync } from 'node:fs';
     appendFileSync('npm.log', process.argv.slice(2).join(' ') + '\\n');
     ${npm}`,
  );
  const runEntry = (file: string, ...args: string[]) =>
    start(process.execPath, ['start/bootstrap.js', file, ...args], {
      cwd: root,
      env: { npm_execpath: npmCli, npm_node_execpath: process.execPath, NODE_COMPILE_CACHE: undefined },
    });
  const run = (...args: string[]) => runEntry('entry.ts', ...args);
  const installs = () => linesOf(join(root, 'npm.log'));
  return { root, run, runEntry, installs };
}

const linesOf = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []);

/** The same with a page, whose build only notes that it ran. */
function packageWithPage(build = '') {
  const made = throwAwayPackage(hello);
  mkdirSync(join(made.root, 'web'));
  writeFileSync(
    join(made.root, 'web', 'build.ts'),
    `import { appendFileSync, mkdirSync } from 'node:fs';
     appendFileSync('build.log', 'built\\n');
     ${build}
     mkdirSync('web/dist', { recursive: true });`,
  );
  mkdirSync(join(made.root, 'api'));
  writeFileSync(join(made.root, 'api', 'main.ts'), hello);
  return { ...made, builds: () => linesOf(join(made.root, 'build.log')).length };
}

/** An empty lock file; the name makes it a different one. */
function writeLock(root: string, name: string): void {
  writeFileSync(
    join(root, 'package-lock.json'),
    JSON.stringify({ name, version: '1.0.0', lockfileVersion: 3, packages: {} }),
  );
}

const hello = `const greeting: string = 'hello'; console.log(greeting, ...process.argv.slice(2));`;

test('the first run installs, says so in one line, and runs the entry with its arguments', async () => {
  const { run, installs } = throwAwayPackage(hello);
  const { code, output } = await run('a', 'b c').ended;
  expect(output).toBe('Installing dependencies (first run, about a minute)…\nhello a b c\n');
  expect(code).toBe(0);
  expect(installs()).toEqual(['ci --ignore-scripts --no-audit --no-fund --include=dev']);
});

test('the next run does not install, whatever the file times say; a changed lock file does', async () => {
  const { root, run, installs } = throwAwayPackage(hello);
  await run().ended;
  writeLock(root, 'first');
  expect((await run().ended).output).toBe('hello\n');
  writeLock(root, 'second');
  await run().ended;
  expect(installs()).toHaveLength(2);
});

const here = { version: '1.0.0', integrity: 'sha512-here' };
const elsewhere = { version: '1.0.0', integrity: 'sha512-b', optional: true, os: ['elsewhere'] };
const forHere = { ...elsewhere, os: [process.platform], cpu: [process.arch] };
test.each([
  ['all of them', { 'node_modules/a': here }, { 'node_modules/a': here }, 0],
  [
    'all but one for another platform',
    { 'node_modules/a': here, 'node_modules/b': elsewhere },
    { 'node_modules/a': here },
    0,
  ],
  [
    'all but an optional one that names no platform',
    { 'node_modules/a': here, 'node_modules/b': { ...here, optional: true } },
    { 'node_modules/a': here },
    0,
  ],
  ['not one for this platform', { 'node_modules/a': here, 'node_modules/b': forHere }, { 'node_modules/a': here }, 1],
  ['one too few', { 'node_modules/a': here, 'node_modules/c': here }, { 'node_modules/a': here }, 1],
  ['one too many', { 'node_modules/a': here }, { 'node_modules/a': here, 'node_modules/c': here }, 1],
  ['another version', { 'node_modules/a': here }, { 'node_modules/a': { ...here, version: '1.0.1' } }, 1],
  ['other contents', { 'node_modules/a': here }, { 'node_modules/a': { ...here, integrity: 'sha512-x' } }, 1],
])(
  'after an `npm ci` by hand that has left %s of the packages it installs what is missing',
  async (_case, wanted, present, expected) => {
    const { root, run, installs } = throwAwayPackage(hello);
    const lock = (packages: object) => JSON.stringify({ lockfileVersion: 3, packages });
    writeFileSync(join(root, 'package-lock.json'), lock({ '': { name: 'throw-away' }, ...wanted }));
    mkdirSync(join(root, 'node_modules'));
    writeFileSync(join(root, 'node_modules', '.package-lock.json'), lock(present));
    expect((await run().ended).output).toMatch(expected === 0 ? /^hello\n$/ : /^Installing .*\nhello\n$/);
    expect(installs()).toHaveLength(expected);
  },
);

test('a Node that is too old for the code gets another, by the one install script that is asked for by name', async () => {
  const { root, installs } = throwAwayPackage(
    hello,
    `if (process.argv[2] === 'rebuild') {
       const { mkdirSync, symlinkSync } = await import('node:fs');
       mkdirSync('node_modules/node/bin', { recursive: true });
       symlinkSync(process.execPath, 'node_modules/node/bin/node');
     }`,
  );
  writeFileSync(
    join(root, 'older.cjs'),
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.0.0' } });",
  );
  const run = () =>
    start(process.execPath, ['--require', './older.cjs', 'start/bootstrap.js', 'entry.ts'], {
      cwd: root,
      env: {
        npm_execpath: join(root, 'npm-cli.js'),
        npm_node_execpath: process.execPath,
        NODE_COMPILE_CACHE: undefined,
      },
    }).ended;
  expect(await run()).toMatchObject({ code: 0, output: expect.stringMatching(/hello\n$/) });
  const once = ['ci --ignore-scripts --no-audit --no-fund --include=dev', 'rebuild node --ignore-scripts=false'];
  expect(installs()).toEqual(once);
  expect((await run()).output).toBe('hello\n');
  expect(installs()).toEqual(once);
});

test('two first runs at the same time install once', async () => {
  const { run, installs } = throwAwayPackage(hello, 'await new Promise((resolve) => setTimeout(resolve, 300));');
  const runs = await Promise.all([run().ended, run().ended, run().ended]);
  expect(runs.map(({ code }) => code)).toEqual([0, 0, 0]);
  for (const { output } of runs) expect(output).toMatch(/hello\n$/);
  expect(installs()).toHaveLength(1);
});

test('an installation whose bootstrap was killed does not lock out the next', async () => {
  const { root, run, installs } = throwAwayPackage(hello);
  mkdirSync(join(root, '.data', 'install.lock'), { recursive: true });
  const dead = start(process.execPath, ['-e', '0']);
  await dead.ended;
  writeFileSync(join(root, '.data', 'install.lock', String(dead.pid)), '');
  expect((await run().ended).code).toBe(0);
  expect(installs()).toHaveLength(1);
});

test('a failed installation shows what npm said, exits with 1 and is tried again', async () => {
  const { root, run, installs } = throwAwayPackage(
    hello,
    "console.error('npm error the registry is closed'); process.exit(7);",
  );
  const { code, output } = await run().ended;
  expect(code).toBe(1);
  expect(output).toContain('npm error the registry is closed\nnpm ci failed (exit code 7); see its output above.\n');
  expect(output).not.toContain('hello');
  expect(existsSync(join(root, '.data', 'install.lock'))).toBe(false);
  await run().ended;
  expect(installs()).toHaveLength(2);
});

// Root may write everywhere; there the check is made by the file system being mounted read-only.
test.runIf(process.getuid?.() !== 0)('a read-only checkout is one clear line', async () => {
  const { root, run } = throwAwayPackage(hello);
  chmodSync(root, 0o555);
  const { code, output } = await run().ended;
  chmodSync(root, 0o755);
  expect(code).toBe(1);
  expect(output).toBe(
    `The dependencies of this checkout are not installed and ${root} is read-only: make it writable, or run \`npm ci\` there first.\n`,
  );
});

test('a Node that is too old gets one line that names the required version', async () => {
  const { root } = throwAwayPackage(hello);
  writeFileSync(
    join(root, 'old.cjs'),
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.0' } }); Object.defineProperty(process, 'version', { value: 'v18.20.0' });",
  );
  const { code, output } = await start(process.execPath, ['--require', './old.cjs', 'start/bootstrap.js', 'entry.ts'], {
    cwd: root,
  }).ended;
  expect(code).toBe(1);
  expect(output).toMatch(/^This project needs Node 20 or newer; .* is v18\.20\.0\. .*\n$/);
});

test('the page is built for who serves it, and again only when a source has changed', async () => {
  const { root, run, runEntry, builds } = packageWithPage();
  await run().ended;
  expect(builds()).toBe(0);
  for (const entry of ['api/main.ts', 'api/main.ts', join(root, 'api', 'main.ts')]) {
    expect((await runEntry(entry).ended).output).toMatch(/hello\n$/);
  }
  expect(builds()).toBe(1);
  writeFileSync(join(root, 'web', 'main.tsx'), 'another page');
  await runEntry('api/main.ts').ended;
  await runEntry('api/main.ts').ended;
  expect(builds()).toBe(2);
});

test('a page that cannot be built is reported, does not stop the service, and is retried', async () => {
  const { runEntry, builds } = packageWithPage("throw new Error('a tag is not closed');");
  await runEntry('api/main.ts').ended;
  const { code, output } = await runEntry('api/main.ts').ended;
  expect(output).toMatch(/could not be built: .*a tag is not closed.*hello\n$/s);
  expect(code).toBe(0);
  expect(builds()).toBe(2);
});

test("the entry's exit code and signal are the bootstrap's", async () => {
  const { run } = throwAwayPackage(
    "const [how = ''] = process.argv.slice(2); if (how === 'kill') process.kill(process.pid, 'SIGKILL'); process.exit(42);",
  );
  expect((await run().ended).code).toBe(42);
  expect((await run('kill').ended).signal).toBe('SIGKILL');
});

const counting = `
let stops = 0;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => { stops += 1; console.log(signal, stops); if (signal === 'SIGTERM') process.exit(0); });
setInterval(() => {}, 1e6);
console.log('up', process.pid);
`;

test('one Ctrl-C reaches the entry once, though the terminal and npm both send it', async () => {
  const { run } = throwAwayPackage(counting);
  const bootstrap = run();
  await bootstrap.said(/up (\d+)/);
  // The whole group, as a terminal does, and the process again, as npm does.
  process.kill(-bootstrap.pid, 'SIGINT');
  process.kill(bootstrap.pid, 'SIGINT');
  await bootstrap.said(/SIGINT 1/);
  await untilNextPress();
  process.kill(bootstrap.pid, 'SIGTERM');
  const { code, output } = await bootstrap.ended;
  expect(output).toMatch(/SIGINT 1\nSIGTERM 2\n$/);
  expect(code).toBe(0);
});

test('the entry of a killed bootstrap ends as on SIGTERM', async () => {
  const { run } = throwAwayPackage(counting);
  const bootstrap = run();
  const [, entry] = await bootstrap.said(/up (\d+)/);
  process.kill(bootstrap.pid, 'SIGKILL');
  await bootstrap.said(/SIGTERM 1/);
  await untilGone(Number(entry));
  expect(isAlive(Number(entry))).toBe(false);
});

test('the entry ends when the shell that npm started was ended, which passes no signal on', async () => {
  const { root } = throwAwayPackage(counting);
  // The second command keeps the shell from replacing itself by the first.
  const shell = start('/bin/sh', ['-c', `"$NODE" start/bootstrap.js entry.ts; true`], {
    cwd: root,
    env: {
      NODE: process.execPath,
      npm_lifecycle_event: 'start',
      npm_execpath: join(root, 'npm-cli.js'),
      npm_node_execpath: process.execPath,
    },
  });
  const [, entry] = await shell.said(/up (\d+)/);
  process.kill(shell.pid, 'SIGKILL');
  await shell.said(/SIGTERM 1/);
  await untilGone(Number(entry));
});

test('the entry does not hand its tie to the bootstrap on to processes it forks', async () => {
  const { run } = throwAwayPackage(`console.log(JSON.stringify(process.execArgv));`);
  expect((await run().ended).output).toMatch(/\[\]\n$/);
});

/** A press of a key counts as another one only some time after the first; there is no event to await. */
function untilNextPress(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 300));
}
