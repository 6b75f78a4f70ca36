import { pushImage } from '../../lab/kubernetes/images.ts';
import { registry } from '../../lab/kubernetes/plan.ts';
import { labExec } from '../../lab/lab.ts';
import { labSettings } from '../../lab/settings.ts';

/** What the monitor and the webhook load, and nothing of the rest. */
const packages = [
  ...[
    '@nats-io',
    '@pinojs',
    'atomic-sleep',
    'on-exit-leak-free',
    'pino',
    'pino-abstract-transport',
    'pino-std-serializers',
  ],
  ...[
    'process-warning',
    'quick-format-unescaped',
    'real-require',
    'safe-stable-stringify',
    'sonic-boom',
    'thread-stream',
  ],
  ...['systeminformation', 'tweetnacl', 'yaml', 'zod'],
];

// Node and the libraries that it is linked to, our sources, their packages.
const gather = `
to=/srv/monitor-image; from=/opt/godwit
rm -rf $to; mkdir -p $to/opt/godwit/node_modules $to/lib64 $to/lib/x86_64-linux-gnu
cp -L /opt/godwit/node_modules/node/bin/node $to/opt/godwit/
cp -L $(ldd $to/opt/godwit/node | grep -o '/lib/[^ ]*') $to/lib/x86_64-linux-gnu/
cp -L /lib64/ld-linux-x86-64.so.2 $to/lib64/
cp -r $from/lib $from/monitor $from/package.json $to/opt/godwit/
for package in "$@"; do [ ! -e $from/node_modules/$package ] || cp -r $from/node_modules/$package $to/opt/godwit/node_modules/; done
du -sm $to | cut -f1`;

/** Makes an image of the monitor in the lab's registry; answers its name, and its size in MiB before compression. */
export async function pushMonitorImage(lab: string, tag = '1'): Promise<{ image: string; mebibytes: number }> {
  const { stdout } = await labExec(lab, 'hub', ['/bin/sh', '-euc', gather, 'sh', ...packages], { timeoutMs: 60_000 });
  const name = `godwit-monitor:${tag}`;
  await pushImage(labSettings(), lab, 'hub', {
    name,
    files: Object.fromEntries(['/opt', '/lib', '/lib64'].map((path) => [`/srv/monitor-image${path}`, path])),
    entrypoint: ['/opt/godwit/node', '/opt/godwit/monitor/main.ts'],
  });
  return { image: `${registry}/${name}`, mebibytes: Number(stdout) };
}
