import type { Command } from 'commander';
import { kindNames } from './kinds/kinds.ts';

/** What the shell may offer after each command: its path, `` for the program itself, to words. */
export function wordsByCommand(program: Command, kindNames: readonly string[]): Map<string, string[]> {
  const words = new Map<string, string[]>();
  const visit = (command: Command, path: string): void => {
    const flags = command.options.map(({ long }) => long).filter((flag) => flag !== undefined);
    const kinds = command.registeredArguments[0]?.name() === 'kind' ? kindNames : [];
    words.set(path, [...command.commands.map((child) => child.name()), ...kinds, ...flags, '--help']);
    for (const child of command.commands) visit(child, path ? `${path} ${child.name()}` : child.name());
  };
  visit(program, '');
  return words;
}

/** A script for the shell to source. It knows commands, kinds and flags; elsewhere the shell offers files. */
export function completionScript(program: Command, shell: 'bash' | 'zsh'): string {
  const words = wordsByCommand(program, kindNames);
  const cases = [...words].map(([path, offered]) => `    '${path}') offered='${offered.join(' ')}' ;;`);
  const paths = [...words.keys()].filter(Boolean).map((path) => `'${path}'`);
  return [
    ...(shell === 'zsh' ? ['autoload -U +X compinit && compinit', 'autoload -U +X bashcompinit && bashcompinit'] : []),
    '_godwit() {',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
    "  local path='' word offered='' i current=${COMP_WORDS[COMP_CWORD]}",
    '  for ((i = 1; i < COMP_CWORD; i++)); do',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
    '    word="${path:+$path }${COMP_WORDS[i]}"',
    `    case "$word" in ${paths.join('|')}) path=$word ;; esac`,
    '  done',
    '  case "$path" in',
    ...cases,
    '  esac',
    '  COMPREPLY=($(compgen -W "$offered" -- "$current"))',
    '}',
    'complete -o default -F _godwit godwit',
    '',
  ].join('\n');
}
