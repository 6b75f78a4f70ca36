import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { labExec } from '../../lab/lab.ts';

/** What a move is held against: the same program dumped and restored in place on the node's tmpfs, by the plain tools. */
export interface Baseline {
  name: 'criu' | 'runc';
  port: number;
  start(mib: number): Promise<void>;
  /** Dump, then restore, in one shell: no time between the two. */
  move(): Promise<void>;
  stop(): Promise<void>;
}

const rawFolder = '/run/bench-criu';
const runcFolder = '/run/bench-runc';
const program = 'node /opt/bundles/counter/rootfs/app/main.mjs';

export function rawCriu(lab: string, node: string): Baseline {
  const sh = (script: string): Promise<unknown> =>
    labExec(lab, node, ['/bin/sh', '-ec', script], { timeoutMs: 120_000 });
  const flags = `--images-dir ${rawFolder} --tcp-close --network-lock skip -v1`;
  return {
    name: 'criu',
    port: 8081,
    start: (mib) =>
      sh(`mkdir -p ${rawFolder}; cd /; export MIB=${mib} PORT=8081 UV_USE_IO_URING=0 NODE_OPTIONS=--max-semi-space-size=1
        setsid ${program} < /dev/null > /dev/null 2>&1 & echo $! > /run/bench-criu.pid`).then(() => undefined),
    move: () =>
      sh(`rm -rf ${rawFolder}; mkdir ${rawFolder}
        criu dump --tree "$(cat /run/bench-criu.pid)" ${flags} --skip-in-flight
        criu restore ${flags} --restore-detached`).then(() => undefined),
    stop: () =>
      sh(`kill -9 "$(cat /run/bench-criu.pid)"; rm -rf ${rawFolder} /run/bench-criu.pid`).then(() => undefined),
  };
}

/** `root` is the node's root as this machine sees it. */
export function plainRunc(lab: string, node: string, root: string): Baseline {
  const sh = (script: string): Promise<unknown> =>
    labExec(lab, node, ['/bin/sh', '-ec', script], { timeoutMs: 120_000 });
  const paths = `--image-path ${runcFolder}/images --work-path ${runcFolder}/work`;
  return {
    name: 'runc',
    port: 8082,
    start: async (mib) => {
      await writeBundle(join(root, runcFolder), mib);
      await sh(`runc run --detach --bundle ${runcFolder}/bundle bench-runc < /dev/null > /dev/null 2>&1`);
    },
    move: () =>
      sh(`rm -rf ${runcFolder}/images; mkdir ${runcFolder}/images; export CRIU_CONFIG_FILE=${runcFolder}/criu.conf
        runc checkpoint --tcp-skip-in-flight ${paths} bench-runc
        runc restore --detach ${paths} --bundle ${runcFolder}/bundle bench-runc < /dev/null > /dev/null 2>&1`).then(
        () => undefined,
      ),
    stop: () => sh(`runc delete --force bench-runc; rm -rf ${runcFolder}`).then(() => undefined),
  };
}

interface Config {
  root: { path: string };
  process: { env: string[] };
  linux: { namespaces: { type: string }[] };
}

async function writeBundle(folder: string, mib: number): Promise<void> {
  for (const name of ['images', 'work', 'bundle']) await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, 'criu.conf'), 'tcp-close\nnetwork-lock skip\n');
  const bundle = join(folder, '../../opt/bundles/counter');
  const config = JSON.parse(await readFile(join(bundle, 'config.json'), 'utf8')) as Config;
  config.root.path = '/opt/bundles/counter/rootfs';
  config.process.env = [...config.process.env.filter((line) => !/^(PORT|MIB)=/.test(line)), 'PORT=8082', `MIB=${mib}`];
  config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'network');
  await writeFile(join(folder, 'bundle/config.json'), JSON.stringify(config));
}
