import type { Command } from 'commander';
import type { Config } from '../../shared/config.ts';
import { json, styled, type Terminal } from '../output.ts';

export interface DoctorCommandDeps {
  terminal: Terminal;
  config(): Config;
}

const marks = { ok: 'green', none: 'dim', warn: 'yellow', fail: 'red' } as const;

export function addDoctorCommand(program: Command, { terminal, config }: DoctorCommandDeps): void {
  program
    .command('doctor')
    .description(
      'Check this machine: processors, memory, disk, Redis, devices, models. Exits with 1 when a check fails.',
    )
    .action(async (_options: object, command: Command) => {
      const { examine } = await import('../doctor/examine.ts');
      const findings = await examine(config());
      if (findings.some(({ state }) => state === 'fail')) process.exitCode = 1;
      const { stdout } = terminal;
      if (command.optsWithGlobals<{ json?: boolean }>().json) return void stdout.write(json({ findings }));
      const width = Math.max(...findings.map(({ subject }) => subject.length));
      for (const { subject, state, detail, remedy } of findings) {
        stdout.write(`${styled(stdout, marks[state], state.padEnd(4))}  ${subject.padEnd(width)}  ${detail}\n`);
        if (remedy !== undefined) stdout.write(`${' '.repeat(width + 8)}${remedy}\n`);
      }
    });
}
