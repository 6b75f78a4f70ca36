import type { Command } from 'commander';
import type { Lazily } from './program.ts';

const policy = [
  '--policy <name|file>',
  'default, a policy file, or a baseline such as LR-MMT-1.2 (default: default)',
] as const;
const skip = ['--skip-bad-rows', 'go on behind rows that can not be used'] as const;
const output = ['-o, --output <format>', 'table, json or yaml'] as const;

export function addReplay(program: Command, lazily: Lazily): void {
  program.commandsGroup('Replay:');
  const replay = program
    .command('replay')
    .description('let the decider decide on a recording, or on a public trace')
    .argument('<file>', 'a recording, or PlanetLab, Bitbrains or machine usage CSV; .gz as well')
    .option(...policy)
    .option(...skip)
    .option(...output)
    .option('--decisions <file>', 'write every decision, a line of JSON each')
    .option('--capacity <points>', 'CPU points of a node, 100 a core (default: 100; not for recordings)')
    .helpCommand(false)
    .action(lazily(() => import('../verbs/replay.ts')));
  program
    .command('record <file>')
    .description('write the samples of all nodes to a file that `godwit replay` reads')
    .option('--since <time>', 'begin with samples as old as this, such as 1h (default: with new ones)')
    .option('--for <time>', 'how long to record, such as 10m (default: until Ctrl-C)')
    .option('--config <path>', 'folder or file with operator.yaml (default: $GODWIT_CONFIG, then /etc/godwit)')
    .action(lazily(() => import('../verbs/record.ts')));
  replay
    .command('edge <planetlab>')
    .description('score a policy on a PlanetLab day: nodes of three tenants and more, each with an uplink of its own')
    .option(...policy)
    .option('--capacity <points>', 'CPU points of a node (default: 100)')
    .option('--uplink <rate>', 'megabytes a second (default: 2.5)')
    .option('--seed <number>', 'of the lots that give workloads their memory (default: 1)')
    .option('--events <file>', 'write every move, a line of JSON each')
    .option(...skip)
    .option(...output)
    .action(lazily(() => import('../verbs/replay-edge.ts')));
  replay
    .command('datacenter <planetlab>')
    .description(
      'score a policy on a PlanetLab day in the data centre of the literature, as the released CloudSim simulates it',
    )
    .option(...policy)
    .option('--seed <number>', 'of the lots that RS draws (default: 1)')
    .option(...skip)
    .option(...output)
    .action(lazily(() => import('../verbs/replay-datacenter.ts')));
}
