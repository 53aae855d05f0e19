import type { Command } from 'commander';
import { shellQuoted } from '../shared/shell-word.ts';

interface Completion {
  word: string;
  description: string;
}

/** A position in a command line, and its possible completions. */
interface Position {
  /** The commands before this position, such as `models pull`; empty at the start of the line. */
  path: string[];
  commands: Completion[];
  options: Completion[];
}

/** Returns a shell script that completes commands and options. Other arguments complete as file names. */
export function completionScript(shell: 'bash' | 'zsh' | 'fish', program: Command): string {
  const positions = positionsOf(program, [], optionsOf(program));
  return { bash, zsh, fish }[shell](program.name(), positions);
}

function positionsOf(command: Command, path: string[], global: Completion[]): Position[] {
  const commands = command.commands.map((child) => ({ word: child.name(), description: child.description() }));
  const own = path.length === 0 ? [] : optionsOf(command);
  const position = { path, commands, options: [...own, ...global, { word: '--help', description: 'show help' }] };
  return [position, ...command.commands.flatMap((child) => positionsOf(child, [...path, child.name()], global))];
}

const optionsOf = ({ options }: Command): Completion[] =>
  options.flatMap(({ long, description }) => (long ? [{ word: long, description }] : []));

/** Returns the branches of a shell `case` that offers the completions of each position. */
const cases = (positions: Position[], render: (words: Completion[], position: Position) => string): string =>
  positions
    .map(
      (position) =>
        `    ${shellQuoted(position.path.join(' '))}) ${render([...position.commands, ...position.options], position)} ;;`,
    )
    .join('\n');

/**
 * Returns the branches of a shell `case` that finds the position from the typed words. Options and their values match
 * no branch.
 */
const walk = (positions: Position[]): string =>
  positions
    .filter(({ path }) => path.length > 0)
    .map(({ path }) => `      ${shellQuoted(path.join(' '))}) position="$next" ;;`)
    .join('\n');

function bash(name: string, positions: Position[]): string {
  return `# bash completion of ${name}
_${name}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" position='' next words='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    next="\${position:+$position }$word"
    case "$next" in
${walk(positions)}
    esac
  done
  case "$position" in
${cases(positions, (words) => `words=${shellQuoted(words.map(({ word }) => word).join(' '))}`)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _${name} ${name}
`;
}

function zsh(name: string, positions: Position[]): string {
  const described = ({ word, description }: Completion) => shellQuoted(`${word.replaceAll(':', '\\:')}:${description}`);
  return `#compdef ${name}
_${name}() {
  local position='' next word
  local -a words_here
  for word in "\${(@)words[2,CURRENT-1]}"; do
    next="\${position:+$position }$word"
    case "$next" in
${walk(positions)}
    esac
  done
  case "$position" in
${cases(positions, (words) => `words_here=(${words.map(described).join(' ')})`)}
  esac
  _describe 'command' words_here || _files
}
compdef _${name} ${name}
`;
}

function fish(name: string, positions: Position[]): string {
  const lines = positions.flatMap(({ path, commands, options }) => {
    const seen = path.length === 0 ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${path.at(-1)}`;
    const children = commands.map(({ word }) => word).join(' ');
    const here = path.length > 0 && children !== '' ? `${seen}; and not __fish_seen_subcommand_from ${children}` : seen;
    const say = (text: string) => `complete -c ${name} -n ${shellQuoted(here)} ${text}`;
    return [
      ...commands.map(({ word, description }) => say(`-f -a ${shellQuoted(word)} -d ${shellQuoted(description)}`)),
      ...options.map(({ word, description }) => say(`-l ${word.slice(2)} -d ${shellQuoted(description)}`)),
    ];
  });
  return `# fish completion of ${name}\n${lines.join('\n')}\n`;
}
