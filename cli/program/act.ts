import type { Command } from 'commander';
import type { Lazily } from './program.ts';

const config = [
  '--config <path>',
  'folder or file with operator.yaml (default: $GODWIT_CONFIG, then /etc/godwit)',
] as const;
const wait = ['--wait', 'follow it to its end; the exit code tells the result'] as const;
const timeout = ['--timeout <time>', 'how long to wait, such as 30s or 5m (default: 5m)'] as const;
const output = ['-o, --output <format>', 'table, json, yaml or name'] as const;

export function addActing(program: Command, lazily: Lazily): void {
  program.commandsGroup('Act:');
  program
    .command('migrate <workload>')
    .description('move a workload now')
    .option('--to <node>', 'target (default: the best one)')
    .option('--strategy <name>', 'restart, cold, warm or auto (default: auto)')
    .option('--dry-run', 'say what would happen, and do nothing')
    .option(...wait)
    .option(...timeout)
    .option(...output)
    .option(...config)
    .action(lazily(() => import('../verbs/migrate.ts')));
  program
    .command('cancel <migration>')
    .description('roll a migration back as long as it is not committed')
    .option(...wait)
    .option(...timeout)
    .option(...config)
    .action(lazily(() => import('../verbs/cancel.ts')));
  program
    .command('resolve <migration>')
    .description('look into a migration that is in doubt or lost, and settle it')
    .option('--keep <side>', 'source or target: carry it out, after asking')
    .option('--node-is-dead <node>', 'attest that this node is gone for good and will not come back as it was')
    .option('--yes', 'do not ask')
    .option('--timeout <time>', 'how long to wait (default: 1m)')
    .option('-o, --output <format>', 'table, json or yaml')
    .option(...config)
    .action(lazily(() => import('../verbs/resolve.ts')));
  const policy = program.command('policy').description('the rules of the decider').helpCommand(false);
  policy
    .command('check <file>')
    .description('say whether a policy file is right, and where it is not')
    .action(lazily(() => import('../verbs/policy-check.ts')));
  policy
    .command('show')
    .description('print the policy in force')
    .option('-o, --output <format>', 'yaml or json')
    .option(...config)
    .action(lazily(() => import('../verbs/policy-show.ts')));
  policy
    .command('test <file>')
    .description('replay what was recorded under another policy, and show what would change')
    .option('--since <time>', 'how far back, as long as the hub holds samples (default: 24h)')
    .option('--recording <file>', 'replay this recording or trace instead; needs no hub')
    .option('--against <name|file>', 'compare with this policy (default: the one in force)')
    .option('--capacity <points>', 'CPU points of a node of a public trace (default: 100)')
    .option('--skip-bad-rows', 'go on behind rows that can not be used')
    .option('-o, --output <format>', 'table, json or yaml')
    .option(...config)
    .action(lazily(() => import('../verbs/policy-test.ts')));
  policy
    .command('apply <file>')
    .description('put a policy into force')
    .option('--dry-run', 'check only, and say what is in force')
    .option(...config)
    .action(lazily(() => import('../verbs/policy-apply.ts')));
}
