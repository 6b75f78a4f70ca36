import type { Command } from 'commander';
import type { Lazily } from './program.ts';

const config = [
  '--config <path>',
  'folder or file with node.yaml (default: $GODWIT_CONFIG, then /etc/godwit)',
] as const;

const layoutHelp = `An image of a registry becomes a layout by: skopeo copy docker://NAME:TAG oci:FOLDER:TAG`;

/** Verbs that work on the machine where they are typed; they need its agent's files, not the bus. */
export function addWorkloads(program: Command, lazily: Lazily): void {
  program.commandsGroup('On this node:');
  program
    .command('run')
    .description('start a workload that Godwit keeps running, and may move')
    .argument('<name>', 'what to call it')
    .argument('[args...]', 'after --: program and arguments, in place of those of bundle or image')
    .option('--bundle <folder>', 'OCI bundle: config.json and rootfs; it is never written to')
    .option('--image <layout:tag>', 'image in an OCI image layout, a folder of this node')
    .option('--keeps <what>', 'what must not be lost in a move: nothing, files or memory (default: memory)')
    .option('--strategy <name>', 'how to move it: restart, cold, warm or auto (default: auto, by what it keeps)')
    .option('--restart <policy>', 'never, on-failure or always (default: always)')
    .option('--address <ipv4>', 'an address of its own, which moves with it')
    .option('--cpus <number>', 'limit of CPU in cores')
    .option('--memory <size>', 'limit of memory, such as 512Mi')
    .option('--env <pair...>', 'NAME=value for its environment')
    .option('--priority <number>', 'the lowest is moved first (default: 0)')
    .option('--pin', 'never move it unasked')
    .option(...config)
    .addHelpText('after', `\n${layoutHelp}`)
    .action(lazily(() => import('../verbs/run.ts')));
  program
    .command('rm <name>')
    .description('stop a workload on this node and remove what it wrote')
    .option('--grace <time>', 'how long it may take to end (default: 10s)')
    .option(...config)
    .action(lazily(() => import('../verbs/rm.ts')));
  program
    .command('logs <name>')
    .description('what a workload on this node has printed')
    .option('-f, --follow', 'go on printing')
    .option('--tail <lines>', 'only the last lines')
    .option(...config)
    .action(lazily(() => import('../verbs/logs.ts')));
}
