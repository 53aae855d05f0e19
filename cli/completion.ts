import type { Command } from 'commander';

interface Word {
  word: string;
  description: string;
}

/** What may stand after a command: its own commands, or its options. */
interface Place {
  /** Commands on the way: none at the top, `models pull`. */
  path: string[];
  commands: Word[];
  options: Word[];
}

/** A script that completes commands and options; arguments are completed as files. */
export function completionScript(shell: 'bash' | 'zsh' | 'fish', program: Command): string {
  const places = placesOf(program, [], optionsOf(program));
  return { bash, zsh, fish }[shell](program.name(), places);
}

function placesOf(command: Command, path: string[], global: Word[]): Place[] {
  const commands = command.commands.map((child) => ({ word: child.name(), description: child.description() }));
  const own = path.length === 0 ? [] : optionsOf(command);
  const place = { path, commands, options: [...own, ...global, { word: '--help', description: 'show help' }] };
  return [place, ...command.commands.flatMap((child) => placesOf(child, [...path, child.name()], global))];
}

const optionsOf = ({ options }: Command): Word[] =>
  options.flatMap(({ long, description }) => (long ? [{ word: long, description }] : []));

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Each place by the words that lead to it. */
const cases = (places: Place[], render: (words: Word[], place: Place) => string): string =>
  places
    .map((place) => `    ${quoted(place.path.join(' '))}) ${render([...place.commands, ...place.options], place)} ;;`)
    .join('\n');

/** The commands among the words typed so far; options and what belongs to them lead nowhere else. */
const walk = (places: Place[]): string =>
  places
    .filter(({ path }) => path.length > 0)
    .map(({ path }) => `      ${quoted(path.join(' '))}) place="$next" ;;`)
    .join('\n');

function bash(name: string, places: Place[]): string {
  return `# bash completion of ${name}
_${name}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" place='' next words='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    next="\${place:+$place }$word"
    case "$next" in
${walk(places)}
    esac
  done
  case "$place" in
${cases(places, (words) => `words=${quoted(words.map(({ word }) => word).join(' '))}`)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _${name} ${name}
`;
}

function zsh(name: string, places: Place[]): string {
  const described = ({ word, description }: Word) => quoted(`${word.replaceAll(':', '\\:')}:${description}`);
  return `#compdef ${name}
_${name}() {
  local place='' next word
  local -a words_here
  for word in "\${(@)words[2,CURRENT-1]}"; do
    next="\${place:+$place }$word"
    case "$next" in
${walk(places)}
    esac
  done
  case "$place" in
${cases(places, (words) => `words_here=(${words.map(described).join(' ')})`)}
  esac
  _describe 'command' words_here || _files
}
compdef _${name} ${name}
`;
}

function fish(name: string, places: Place[]): string {
  const lines = places.flatMap(({ path, commands, options }) => {
    const seen = path.length === 0 ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${path.at(-1)}`;
    const children = commands.map(({ word }) => word).join(' ');
    const here = path.length > 0 && children !== '' ? `${seen}; and not __fish_seen_subcommand_from ${children}` : seen;
    const say = (text: string) => `complete -c ${name} -n ${quoted(here)} ${text}`;
    return [
      ...commands.map(({ word, description }) => say(`-f -a ${quoted(word)} -d ${quoted(description)}`)),
      ...options.map(({ word, description }) => say(`-l ${word.slice(2)} -d ${quoted(description)}`)),
    ];
  });
  return `# fish completion of ${name}\n${lines.join('\n')}\n`;
}
