import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { type Lazily, newProgram } from './program.ts';

const output = ['-o, --output <format>', 'table, wide, json, yaml or name'] as const;
const noHeaders = ['--no-headers', 'leave out the line of headers'] as const;
const wait = ['--wait', 'follow it to its end; the exit code tells the result'] as const;
const timeout = ['--timeout <time>', 'how long to wait, such as 30s or 5m (default: 5m)'] as const;

/** What `kubectl godwit` knows: the same words as `godwit`, answered by the API server. */
export function buildClusterProgram(io: Io, done: (code: number) => void): Command {
  const { program, lazily } = newProgram('kubectl godwit', io, done);
  program.description('Moves running pods, with their memory, between edge nodes and the cloud.');
  addLooking(program, lazily);
  addActing(program, lazily);
  addConnection(program);
  return program;
}

function addLooking(program: Command, lazily: Lazily): void {
  program.commandsGroup('Look:');
  program
    .command('get <kind> [names...]')
    .description('list nodes (EdgeNodes), workloads (their pods) or migrations')
    .option(...output)
    .option(...noHeaders)
    .option('-w, --watch', 'go on with what changes')
    .option('-A, --all-namespaces', 'workloads or migrations of all namespaces')
    .action(lazily(() => import('../cluster/verbs/get.ts')));
  program
    .command('describe <kind> <name>')
    .description('tell all about one node, workload or migration')
    .action(lazily(() => import('../cluster/verbs/describe.ts')));
  program
    .command('doctor')
    .description('check the cluster, and say which workloads can not move and why')
    .option(...output)
    .option(...noHeaders)
    .action(lazily(() => import('../cluster/verbs/doctor.ts')));
}

function addActing(program: Command, lazily: Lazily): void {
  program.commandsGroup('Act:');
  program
    .command('migrate <pod>')
    .description('move a pod now')
    .requiredOption('--to <node>', 'target')
    .option('--strategy <name>', 'restart, cold, warm or auto (default: auto)')
    .option('--dry-run', 'say what preflight and API server say of it, and do nothing')
    .option(...wait)
    .option(...timeout)
    .option(...output)
    .option(...noHeaders)
    .action(lazily(() => import('../cluster/verbs/migrate.ts')));
  program
    .command('cancel <migration>')
    .description('roll a migration back as long as it is not committed, and delete its object')
    .option(...wait)
    .option(...timeout)
    .action(lazily(() => import('../cluster/verbs/cancel.ts')));
  const policy = program.command('policy').description('the rules of the decider').helpCommand(false);
  policy
    .command('check <file>')
    .description('say whether a policy file is right, and where it is not')
    .action(lazily(() => import('../verbs/policy-check.ts')));
  policy
    .command('show')
    .description('print the policy of the ConfigMap godwit-policy, and what the controllers say of it')
    .option('-o, --output <format>', 'yaml or json')
    .action(lazily(() => import('../cluster/verbs/policy-show.ts')));
  policy
    .command('apply <file>')
    .description('write the ConfigMap godwit-policy, and wait until it is in force')
    .option('--dry-run', 'check only, and say what is in force')
    .option('--timeout <time>', 'how long to wait (default: 10s)')
    .action(lazily(() => import('../cluster/verbs/policy-apply.ts')));
}

/** kubectl's own flags, before the verb or behind it. */
function addConnection(program: Command): void {
  const add = (command: Command): void => {
    command
      .option('-n, --namespace <name>', "namespace (default: the context's)")
      .option('--context <name>', 'context of the kubeconfig')
      .option('--kubeconfig <path>', 'kubeconfig (default: $KUBECONFIG, then ~/.kube/config)');
    for (const child of command.commands) add(child);
  };
  add(program);
}
