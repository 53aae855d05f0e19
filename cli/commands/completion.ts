import { Argument, type Command } from 'commander';
import type { CommandDeps } from '../context.ts';

/** `vls completion SHELL`: a script for the shell, made from the commands that there are. */
export function addCompletionCommand(program: Command, { terminal }: Pick<CommandDeps, 'terminal'>): void {
  program
    .command('completion')
    .description('Print a completion script: eval "$(vls completion bash)", or the same with zsh; fish: … | source')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: 'bash' | 'zsh' | 'fish') => {
      const { completionScript } = await import('../completion.ts');
      terminal.stdout.write(completionScript(shell, program));
    });
}
