import type { Command } from 'commander';
import type { Lazily } from './program.ts';

const output = ['-o, --output <format>', 'table, wide, json, yaml or name'] as const;
const noHeaders = ['--no-headers', 'leave out the line of headers'] as const;
const config = [
  '--config <path>',
  'folder or file with operator.yaml (default: $GODWIT_CONFIG, then /etc/godwit)',
] as const;

export function addLooking(program: Command, lazily: Lazily): void {
  program.commandsGroup('Look:');
  program
    .command('get <kind> [names...]')
    .description('list nodes, workloads, migrations or decisions')
    .option(...output)
    .option(...noHeaders)
    .option('-w, --watch', 'go on with what changes')
    .option('--limit <count>', 'newest decisions or migrations to list (default: 50)')
    .option(...config)
    .action(lazily(() => import('../verbs/get.ts')));
  program
    .command('describe <kind> <name>')
    .description('tell all about one node, workload, migration or decision')
    .option(...config)
    .action(lazily(() => import('../verbs/describe.ts')));
  program
    .command('why <workload>')
    .description('say why a workload moved, or why it did not')
    .option('-o, --output <format>', 'table, json or yaml')
    .option(...config)
    .action(lazily(() => import('../verbs/why.ts')));
  program
    .command('top <kind>')
    .description('show what nodes or workloads use now')
    .option(...output)
    .option(...noHeaders)
    .option('-w, --watch', 'go on with each new sample')
    .option(...config)
    .action(lazily(() => import('../verbs/top.ts')));
  program
    .command('doctor')
    .description('check this machine, and say which workloads can not move and why')
    .option(...output)
    .option(...noHeaders)
    .option('--config <path>', 'folder or file with node.yaml or hub.yaml')
    .action(lazily(() => import('../verbs/doctor.ts')));
}
