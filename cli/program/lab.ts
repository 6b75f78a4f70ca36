import type { Command } from 'commander';
import type { Lazily } from './program.ts';

const name = ['--lab <name>', 'which lab (default: lab)'] as const;
const end = 'node:NAME for its own cable, site:NAME for the uplink';

export function addLab(program: Command, lazily: Lazily): void {
  program.commandsGroup('Try out:');
  const lab = program.command('lab').description('virtual nodes on this machine').helpCommand(false);
  lab
    .command('up [file]')
    .description('raise a lab with Godwit running in it: a hub, an edge and a cloud node, or what a YAML file says')
    .option(...name)
    .option('--bare', 'only the nodes, without Godwit')
    .option('--kubernetes', 'a Kubernetes cluster as well: control plane on the hub, a kubelet on the others')
    .action(lazily(() => import('../verbs/lab-up.ts')));
  lab
    .command('down')
    .description('leave nothing of a lab')
    .option(...name)
    .action(lazily(() => import('../verbs/lab-down.ts')));
  lab
    .command('status')
    .description('list the nodes and links of all labs')
    .option('-o, --output <format>', 'table, wide, json, yaml or name')
    .option('--no-headers', 'leave out the line of headers')
    .action(lazily(() => import('../verbs/lab-status.ts')));
  lab
    .command('exec <node> <command...>')
    .description('run a program inside a node')
    .option(...name)
    .passThroughOptions()
    .action(lazily(() => import('../verbs/lab-exec.ts')));
  for (const [verb, what] of [
    ['cut', 'let nothing pass a link'],
    ['heal', 'undo a cut'],
  ] as const)
    lab
      .command(`${verb} <link>`)
      .description(`${what}; ${end}`)
      .option(...name)
      .action(lazily(() => import(`../verbs/lab-${verb}.ts`)));
  lab
    .command('shape <link> [rate]')
    .description(`limit a link to bits per second, such as 20M, both ways; none undoes it; ${end}`)
    .option(...name)
    .action(lazily(() => import('../verbs/lab-shape.ts')));
}
