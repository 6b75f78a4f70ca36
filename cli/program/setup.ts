import type { Command } from 'commander';
import type { Lazily } from './program.ts';

const dir = ['--dir <path>', 'folder of the authority (default: /etc/godwit/pki)'] as const;
const readyPort = ['--ready-port <port>', 'serve /readyz here: 200 once NATS server and streams stand'] as const;

export function addSetup(program: Command, lazily: Lazily): void {
  program.commandsGroup('Set up:');
  const pki = program.command('pki').description('certificates and configuration of every machine').helpCommand(false);
  pki
    .command('init')
    .description('make the certificate authority')
    .option(...dir)
    .action(lazily(() => import('../verbs/pki-init.ts')));
  pki
    .command('hub')
    .description("write the hub's folder, and the operator's certificate")
    .requiredOption('--address <ipv4>', 'address at which all nodes reach the hub')
    .option('--force', 'write it anew')
    .option(...dir)
    .action(lazily(() => import('../verbs/pki-hub.ts')));
  pki
    .command('node <name>')
    .description("write a node's folder, ready to be copied to /etc/godwit there")
    .requiredOption('--site <name>', 'site: the nodes behind one uplink')
    .requiredOption('--tier <tier>', 'edge or cloud')
    .requiredOption('--address <ipv4>', 'address at which the other nodes reach it')
    .option('--hub <ipv4>', "the hub's address (default: from the hub's folder)")
    .option('--leaf', "run the site's NATS server here (default: on the first edge node of a site)")
    .option('--leaf-address <ipv4>', "where the site's NATS server is reached, if not at the node: its Service")
    .option('--servers <url...>', 'NATS servers to use instead')
    .option('--kubernetes', 'the workloads are the pods of this node')
    .option('--image-path', 'its pods may move as images as well, without our runtime')
    .option(
      '--monitoring <mode>',
      "who samples the node's pods, as its EdgeNode has it: node or sidecar (default: node)",
    )
    .option('--cores <number>', 'what the node offers (default: all)')
    .option('--memory <size>', 'what the node offers, such as 4Gi (default: all)')
    .option('--uplink <size>', "what the site's uplink carries each second, such as 12Mi")
    .option('--force', 'write it anew')
    .option(...dir)
    .action(lazily(() => import('../verbs/pki-node.ts')));
  pki
    .command('list')
    .description('list the certificates and when they end')
    .option('-o, --output <format>', 'table, wide, json, yaml or name')
    .option('--no-headers', 'leave out the line of headers')
    .option(...dir)
    .action(lazily(() => import('../verbs/pki-list.ts')));
  pki
    .command('secrets')
    .description('print the folders as Secrets of Kubernetes, a part each: for kubectl apply -f -')
    .option(...dir)
    .action(lazily(() => import('../verbs/pki-secrets.ts')));
  pki
    .command('renew [names...]')
    .description('give folders new keys and certificates (default: all that end within 30 days)')
    .option(...dir)
    .action(lazily(() => import('../verbs/pki-renew.ts')));
  program
    .command('hub')
    .description('run the hub: NATS server, streams, decider; until SIGTERM')
    .option('--only <part...>', 'run only these: nats, decider')
    .option(...readyPort)
    .option('--config <path>', 'folder or file with hub.yaml (default: $GODWIT_CONFIG, then /etc/godwit)')
    .action(lazily(() => import('../verbs/hub.ts')));
  program
    .command('agent')
    .description('run a node: its NATS server where it has one, monitor, migrator; until SIGTERM')
    .option('--only <part...>', 'run only these: nats, monitor, migrator')
    .option(...readyPort)
    .option('--config <path>', 'folder or file with node.yaml (default: $GODWIT_CONFIG, then /etc/godwit)')
    .action(lazily(() => import('../verbs/agent.ts')));
  program
    .command('host')
    .description(
      'in a privileged pod: install Godwit on the node, run its agent there, and take all back with the DaemonSet',
    )
    .requiredOption('--daemonset <name>', 'the DaemonSet of this pod')
    .option('--prefix <path>', 'where Godwit goes on the node (default: /opt/godwit)')
    .option('--containerd-config <path>', "containerd's file (default: /etc/containerd/config.toml)")
    .option('--rendered', 'k3s or RKE2 makes that file, from templates beside it')
    .option('--unit <name>', "systemd's unit that runs containerd, to restart it (default: it is not restarted)")
    .option('--config <path>', "folder of this node's Secret (default: /etc/godwit)")
    .action(lazily(() => import('../verbs/host.ts')));
  program
    .command('completion <shell>')
    .description('print a script that completes commands and flags: bash or zsh')
    .action(lazily(() => import('../verbs/completion.ts')));
}
