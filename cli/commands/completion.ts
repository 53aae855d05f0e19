import { Argument, type Command } from 'commander';
import type { CommandDeps } from '../context.ts';

export function addCompletionCommand(program: Command, { terminal }: Pick<CommandDeps, 'terminal'>): void {
  program
    .command('completion')
    .description(
      'Print a completion script. bash and zsh: eval "$(vls completion bash)"; fish: vls completion fish | source',
    )
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: 'bash' | 'zsh' | 'fish') => {
      const { completionScript } = await import('../completion.ts');
      terminal.stdout.write(completionScript(shell, program));
    });
}
