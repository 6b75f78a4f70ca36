import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pushImage } from '../../lab/kubernetes/images.ts';
import { registry } from '../../lab/kubernetes/plan.ts';
import { labExec } from '../../lab/lab.ts';
import { labSettings } from '../../lab/settings.ts';

const checkout = resolve(import.meta.dirname, '../..');
/** What monitor and webhook import. */
const roots = ['@nats-io/jetstream', '@nats-io/kv', '@nats-io/transport-node', '@peculiar/x509', 'pino', 'yaml', 'zod'];

/** These packages and all that they need, as folders below node_modules. */
async function withDependencies(names: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const queue = [...names]; ; ) {
    const name = queue.shift();
    if (name === undefined) return [...found].sort();
    if (found.has(name)) continue;
    found.add(name);
    const { dependencies = {} } = JSON.parse(
      await readFile(join(checkout, 'node_modules', name, 'package.json'), 'utf8'),
    );
    queue.push(...Object.keys(dependencies));
  }
}

// Node and the libraries that it is linked to, our sources, their packages; and what a sidecar compiles, under its user's id.
const gather = `
to=/srv/monitor-image; from=/opt/godwit
rm -rf $to; mkdir -p $to/opt/godwit/node_modules $to/lib64 $to/lib/x86_64-linux-gnu
cp -L $from/node_modules/node/bin/node $to/opt/godwit/
cp -L $(ldd $to/opt/godwit/node | grep -o '/lib/[^ ]*') $to/lib/x86_64-linux-gnu/
cp -L /lib64/ld-linux-x86-64.so.2 $to/lib64/
cp -r $from/lib $from/k8s $from/monitor $from/sidecar $from/package.json $to/opt/godwit/
cd $from/node_modules; cp -r --parents "$@" $to/opt/godwit/node_modules/
cache=$to/opt/godwit/compile-cache; mkdir $cache; chown 65532 $cache
export GODWIT_POD_UID=u GODWIT_POD_NAMESPACE=a GODWIT_POD_NAME=b NODE_COMPILE_CACHE=$cache
setpriv --reuid 65532 --regid 65532 --clear-groups node $from/monitor/sidecar/main.ts --folder /none 2>$to.log & sidecar=$!
until grep -q waiting $to.log; do kill -0 $sidecar; sleep 0.1; done
kill $sidecar; wait $sidecar
chown -R root $cache; chmod -R a=rX $cache
du -sm $to | cut -f1`;

/** Makes an image of monitor and webhook in the lab's registry; answers its name, and its size in MiB before compression. */
export async function pushMonitorImage(lab: string, tag = '1'): Promise<{ image: string; mebibytes: number }> {
  const packages = await withDependencies([...roots, '@kubernetes/client-node']);
  const { stdout } = await labExec(lab, 'hub', ['/bin/sh', '-euc', gather, 'sh', ...packages], { timeoutMs: 120_000 });
  const name = `godwit:${tag}`;
  await pushImage(labSettings(), lab, 'hub', {
    name,
    files: Object.fromEntries(['/opt', '/lib', '/lib64'].map((path) => [`/srv/monitor-image${path}`, path])),
    entrypoint: ['/opt/godwit/node'],
  });
  return { image: `${registry}/${name}`, mebibytes: Number(stdout) };
}
