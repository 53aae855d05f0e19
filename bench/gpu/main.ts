import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { print, readWords, say } from '../../testing/command.ts';
import { ensureBenchModels } from '../models.ts';

const usage = `npm run bench:gpu -- [--out DIR] [--only STEP,...] [--provider cuda|cpu] [--quick]

  --out       directory for the results, one JSON file a step, written as soon as they are known; bench/results/gpu by default
  --only      steps to run, in this order
  --provider  cpu rehearses every step on a machine without a GPU
  --quick     shorter and rougher
`;

/** One measurement: a script in one or more processes. */
interface Step {
  script: string;
  args?: string[];
  env?: Record<string, string>;
  processes?: number;
  /** True for a measurement that must fail, because a protection of the service is off. */
  mustFail?: boolean;
  limit: number;
}

const { values } = readWords(usage, ['out', 'only', 'provider'], ['quick']);
const { provider = 'cuda', quick } = values;
const out = values.out ?? fileURLToPath(new URL('../results/gpu', import.meta.url));
const steps = stepsOf();
const names = values.only?.split(',') ?? Object.keys(steps);
const unknown = names.find((name) => !(name in steps));
if (unknown !== undefined) {
  say(`There is no step ${unknown}; the steps are ${Object.keys(steps).join(', ')}.\n\n${usage}`);
  process.exit(2);
}
mkdirSync(out, { recursive: true });
ensureBenchModels();
let failed = 0;
for (const name of names) {
  const step = steps[name];
  if (step === undefined) continue;
  const begin = performance.now();
  const runs = Array.from({ length: step.processes ?? 1 }, (_, at) => run(step, at === 0 ? name : `${name}-${at + 1}`));
  const codes = await Promise.all(runs);
  if (codes.some((code) => (code !== 0) !== (step.mustFail ?? false))) failed++;
  print(`${name}: ${((performance.now() - begin) / 1000).toFixed(1)} s, exit ${codes.join(' and ')}`);
}
process.exit(failed > 0 ? 1 : 0);

/** Returns the measurements, the most important first: the time on the GPU machine may run out. */
function stepsOf(): Record<string, Step> {
  const isCpu = provider === 'cpu';
  const of = (script: string, limit: number, ...args: string[]): Step => ({
    script,
    args: ['--provider', provider, ...args],
    limit,
  });
  const size = (name: string, whole: number, short: number) => [`--${name}`, String(quick ? short : whole)];
  const fp16 = ['--precision', isCpu ? 'fp32' : 'fp16'];
  const fp32 = ['--precision', 'fp32'];
  const b32 = ['--model', 'shape-vit-b-32'];
  const l14 = ['--model', 'shape-vit-l-14'];
  const sizes = quick ? ['--sizes', '1,8'] : [];
  const encoder = (limit: number, ...args: string[]) => of('encoder', limit, ...args, ...size('seconds', 1.5, 0.5));
  const service = (model: string[], workers: number, whole: number, short: number) =>
    of('service', 110, ...model, ...fp16, ...size('pairs', whole, short), '--workers', String(workers));
  const golden = (precision: string[], tf32?: '0' | '1'): Step => ({
    ...of('golden', 60, ...precision),
    ...(tf32 !== undefined && { env: { NVIDIA_TF32_OVERRIDE: tf32 } }),
  });
  return {
    machine: { script: 'machine', limit: 60 },
    // First without TF32 (a less precise number format of NVIDIA), as in an encoder process; then with it, the default
    // of ONNX Runtime.
    'golden-fp32': golden(fp32, '0'),
    'golden-fp32-tf32': { ...golden(fp32, '1'), mustFail: !isCpu },
    'golden-fp16': golden(['--precision', 'fp16']),
    decoding: of('decoding', 40, ...size('seconds', 4, 2)),
    'encoder-b32': encoder(60, ...b32, ...fp16, ...sizes),
    'encoder-l14': encoder(90, ...l14, ...fp16, ...sizes),
    'service-b32': service(b32, 1, 15_000, 60),
    'service-b32-x3': service(b32, 3, 40_000, 60),
    'service-b32-x4': service(b32, 4, 40_000, 60),
    'service-l14': service(l14, 1, 12_000, 16),
    'service-l14-x2': service(l14, 2, 15_000, 16),
    'encoder-b32-x2': { ...encoder(60, ...b32, ...fp16, '--sizes', quick ? '8' : '64'), processes: 2 },
    'encoder-b32-fp32': encoder(60, ...b32, ...fp32, ...sizes),
    memory: of('memory', 90, ...b32, ...fp16, ...size('seconds', 60, 3)),
  };
}

async function run({ script, args = [], env = {}, limit }: Step, name: string): Promise<number | string> {
  const entry = fileURLToPath(new URL(`./steps/${script}.ts`, import.meta.url));
  const child = spawn(process.execPath, [entry, ...args], {
    // Its own process group, so that its child processes are killed with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const endAll = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // The process group has already ended.
    }
  };
  const timer = setTimeout(() => endAll('SIGKILL'), limit * 1000);
  process.once('exit', () => endAll('SIGKILL'));
  let said = '';
  let last = '';
  child.stdout.on('data', (data: Buffer) => {
    said += data;
    const lines = said.split('\n').slice(0, -1);
    const result = lines.findLast((line) => line.startsWith('{'));
    if (result === undefined || result === last) return;
    last = result;
    writeFileSync(join(out, `${name}.json`), `${result}\n`);
  });
  let complaint = '';
  child.stderr.on('data', (data: Buffer) => {
    complaint = (complaint + data).slice(-4_000);
  });
  const code = await new Promise<number | string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (exit, signal) => resolve(signal ?? exit ?? 1));
  });
  clearTimeout(timer);
  endAll('SIGKILL');
  print(`${name}: ${last.slice(0, 1_500)}`);
  if (code !== 0) {
    writeFileSync(join(out, `${name}.err`), `${code}\n${complaint}`);
    print(`${name} said: ${complaint.slice(-1_500)}`);
  }
  return code;
}
