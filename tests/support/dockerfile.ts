/** One instruction of a Dockerfile, continuation lines joined, comments left out. */
export interface Instruction {
  /** In capitals: `RUN`, `COPY`, … */
  name: string;
  /** `--from=node` as `{from: 'node'}`. */
  flags: Record<string, string>;
  /** The rest of the line after the flags. */
  argument: string;
}

export interface Stage {
  /** Empty where the Dockerfile gives none. */
  name: string;
  /** The image or the earlier stage it starts from, with build arguments put in. */
  from: string;
  instructions: Instruction[];
}

/** The stages of a Dockerfile. `args` are its build arguments (`ARG` before the first `FROM`), over their defaults. */
export function parseDockerfile(text: string, args: Record<string, string> = {}): Stage[] {
  const stages: Stage[] = [];
  const values: Record<string, string> = {};
  for (const instruction of instructionsOf(text)) {
    const stage = stages.at(-1);
    if (instruction.name === 'FROM') {
      const [from = '', , name = ''] = instruction.argument.split(/\s+/);
      stages.push({ name, from: from.replace(/\$\{(\w+)\}/g, (_, arg) => values[arg] ?? ''), instructions: [] });
    } else if (stage !== undefined) stage.instructions.push(instruction);
    else {
      const [arg = '', value = ''] = instruction.argument.split('=');
      values[arg] = args[arg] ?? value;
    }
  }
  return stages;
}

function instructionsOf(text: string): Instruction[] {
  const lines = text.split('\n').filter((line) => !/^\s*(#|$)/.test(line));
  return lines
    .join('\n')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, name = '', flags = '', argument = ''] = /^(\w+)\s+((?:--\S+\s+)*)(.*)$/.exec(line) ?? [];
      const pairs = [...flags.matchAll(/--([\w-]+)=(\S+)/g)].map(([, flag = '', value = '']) => [flag, value]);
      return { name: name.toUpperCase(), flags: Object.fromEntries(pairs), argument };
    });
}

/** `["a", "b"]` as the list it is. @throws {SyntaxError} for the form that goes through a shell. */
export const execForm = (argument: string): string[] => JSON.parse(argument) as string[];

/** `A=1 B=2` of an `ENV`. */
export const environmentOf = (argument: string): Record<string, string> =>
  Object.fromEntries(argument.split(/\s+/).map((pair) => pair.split(/=(.*)/s).slice(0, 2)));
