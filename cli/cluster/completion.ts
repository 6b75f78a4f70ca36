import type { Command } from 'commander';
import { wordsByCommand } from '../completion.ts';
import type { ClusterFlags } from './cluster.ts';
import { type ClusterKindName, clusterKindNames } from './kinds.ts';

export interface Offer {
  words: string[];
  /** Names of these are offered as well. */
  names?: ClusterKindName;
  /** Files may be offered where nothing fits. */
  files: boolean;
}

/** What may stand in the place of the line's last word, which may be empty. `line`: all words behind `kubectl godwit`. */
export function offer(program: Command, line: readonly string[]): Offer {
  const before = line.slice(0, -1);
  const previous = before.at(-1);
  const { path, rest } = commandOf(program, before);
  if (previous === '--to') return { words: [], names: 'nodes', files: false };
  if (previous === '--strategy') return { words: ['auto', 'cold', 'restart', 'warm'], files: false };
  if (previous === '-o' || previous === '--output')
    return { words: ['table', 'wide', 'json', 'yaml', 'name'], files: false };
  if (previous === '--kubeconfig') return { words: [], files: true };
  const words = wordsByCommand(program, rest.length > 0 ? [] : clusterKindNames).get(path) ?? [];
  const kind = path === 'get' || path === 'describe' ? kindOf(rest[0]) : undefined;
  const names = kind ?? (rest.length === 0 ? firstOf[path] : undefined);
  return { words, ...(names && { names }), files: /^policy (check|apply)$/.test(path) };
}

const firstOf: Readonly<Record<string, ClusterKindName>> = { migrate: 'workloads', cancel: 'migrations' };

const kindOf = (word: string | undefined): ClusterKindName | undefined =>
  clusterKindNames.find((name) => name === word || name === `${word}s`);

/** The command that a line has come to, and the words behind it that are no flags. */
function commandOf(program: Command, words: readonly string[]): { path: string; rest: string[] } {
  let command = program;
  const path: string[] = [];
  const rest: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    if (word.startsWith('-')) {
      const option = command.options.find(({ short, long }) => short === word || long === word);
      if (option?.required) index++;
      continue;
    }
    const child = rest.length === 0 ? command.commands.find((one) => one.name() === word) : undefined;
    if (child) {
      command = child;
      path.push(word);
    } else rest.push(word);
  }
  return { path: path.join(' '), rest };
}

/** The cluster that a line asks for. */
export function connectionOf(line: readonly string[]): ClusterFlags {
  const wordAfter = (...flags: string[]): string | undefined => {
    for (const flag of flags) {
      const joined = line.find((word) => word.startsWith(`${flag}=`));
      if (joined !== undefined) return joined.slice(flag.length + 1);
      const index = line.indexOf(flag);
      if (index >= 0) return line[index + 1];
    }
    return undefined;
  };
  return {
    kubeconfig: wordAfter('--kubeconfig'),
    context: wordAfter('--context'),
    namespace: wordAfter('--namespace', '-n'),
  };
}
