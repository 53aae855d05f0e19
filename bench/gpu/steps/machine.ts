import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { report } from '../step.ts';

/** Describes the machine, with the output of `vls doctor`. */
const run = (program: string, args: string[]) => {
  const { stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: 60_000 });
  return error ? error.message : `${stdout}${stderr}`.trim();
};

const machine = {
  cpu: cpus()[0]?.model,
  cpus: availableParallelism(),
  memoryGb: Math.round(totalmem() / 1e9),
  node: process.version,
  gpu: run('nvidia-smi', ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader']),
};
report(machine);
const doctor = JSON.parse(
  run(process.execPath, [fileURLToPath(new URL('../../../cli/main.ts', import.meta.url)), '--json', 'doctor']),
);
report({ ...machine, doctor: doctor.findings });
