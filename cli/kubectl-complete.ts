import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterFlags } from './cluster/cluster.ts';
import { connectionOf, offer } from './cluster/completion.ts';
import type { ClusterKindName } from './cluster/kinds.ts';
import { processIo } from './io.ts';
import { buildClusterProgram } from './program/cluster.ts';

// What kubectl asks when somebody presses tab: an answer a line, then cobra's directive. Nothing is said on stderr: it would stand in the
// middle of the line that is being typed.
const noFiles = 4;
const patienceMs = 5000;

const line = process.argv.length > 2 ? process.argv.slice(2) : [''];
const typed = line.at(-1) ?? '';
const io = processIo(new AbortController().signal);
const program = buildClusterProgram(io, () => undefined);
const { words, names, files } = offer(program, line);
const known = names && !typed.startsWith('-') ? await namesOrNone(names, connectionOf(line)) : [];
const fitting = [...known, ...words].filter((word) => word.startsWith(typed));
// flags only when one is being typed
const shown = fitting.filter((word) => !word.startsWith('-') || typed.startsWith('-'));
io.out([...shown, `:${files ? 0 : noFiles}`, ''].join('\n'));
process.exit(0);

/**
 * None where no cluster answers in time. What talks to it is loaded only here: it takes longer than all else, on a busy machine longer
 * than anybody waits for a cluster, but never for ever.
 */
async function namesOrNone(kind: ClusterKindName, flags: ClusterFlags): Promise<string[]> {
  try {
    const [{ withCluster }, { namesOf }] = await Promise.all([
      import('./cluster/cluster.ts'),
      import('./cluster/names.ts'),
    ]);
    const quiet = { ...io, env: { ...io.env, GODWIT_LOG_LEVEL: 'silent' } };
    return await Promise.race([withCluster(flags, quiet, (cluster) => namesOf(kind, cluster)), late()]);
  } catch {
    return [];
  }
}

async function late(): Promise<never> {
  await delay(patienceMs);
  throw new Error('the cluster does not answer');
}
