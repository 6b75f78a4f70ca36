import { access, constants } from 'node:fs/promises';
import { messageOf } from '../../lib/errors.ts';
import { imageProgram } from '../../migrator/engine/checkpoint.ts';
import { pagesProgram } from '../../migrator/engine/pages-program.ts';
import { imageProgramVersion, toolVersions } from '../../migrator/engine/versions.ts';
import { findNatsServer, natsServerVersion } from '../services/nats-binary.ts';
import { attempt, type Check, type Finding, fault, ok, warning } from './check.ts';

export const asRoot: Check = async () => [
  process.getuid?.() === 0 ? ok('root', 'yes') : fault('root', 'no', 'run it as root: containers belong to root'),
];

export const runcAndCriu: Check = async ({ exec, hub, node }) => {
  if (hub && !node) return [];
  const { runc, criu } = await toolVersions(exec);
  return [
    runc === 'missing' ? fault('runc', 'missing', 'apt-get install runc') : ok('runc', runc ?? ''),
    criu === 'missing' ? fault('criu', 'missing', 'install CRIU 4.2 or newer') : ok('criu', criu ?? ''),
    ...(criu === 'missing' ? [] : await criuCheck(exec)),
    await godwitPages(),
  ];
};

export const umoci: Check = async ({ exec, hub, node }) => {
  if (hub && !node) return [];
  const { stdout } = await exec('umoci', ['--version']).catch(() => ({ stdout: '' }));
  const version = /umoci version (\S+)/.exec(stdout)?.[1];
  return [version ? ok('umoci', version) : warning('umoci', 'missing', 'apt-get install umoci, to run images here')];
};

/** A node of pods sends the clients of one that has moved on to its copy. */
export const nft: Check = async ({ exec, node }) => {
  if (node?.engine !== 'kubernetes') return [];
  const found = await attempt(exec, 'nft', ['--version']);
  const next =
    'apt-get install nftables and restart the agent; without it clients wait until the cluster knows the new pod';
  return [found.ok ? ok('nft', found.said) : warning('nft', 'missing', next)];
};

/** Pods move as images by a program of ours, which shows a token to the kubelet. */
export const imagePath: Check = async ({ node }) => {
  if (!node?.imagePath) return [];
  const { token } = node.imagePath;
  const readable = await access(token, constants.R_OK).then(
    () => true,
    () => false,
  );
  return [
    (await imageProgramVersion()) === 'there'
      ? ok('godwit-image', imageProgram)
      : fault('godwit-image', 'not built', 'scripts/setup.sh node'),
    readable
      ? ok('kubelet token', token)
      : warning('kubelet token', `${token} is not there`, 'no pod moves as an image; godwit host keeps it there'),
  ];
};

async function godwitPages(): Promise<Finding> {
  const built = await access(pagesProgram, constants.X_OK).then(
    () => true,
    () => false,
  );
  return built ? ok('godwit-pages', pagesProgram) : fault('godwit-pages', 'not built', 'scripts/setup.sh node');
}

async function criuCheck(exec: Parameters<typeof attempt>[0]): ReturnType<Check> {
  const [basics, lazy, dirty] = await Promise.all([
    attempt(exec, 'criu', ['check']),
    attempt(exec, 'criu', ['check', '--feature', 'uffd-noncoop']),
    attempt(exec, 'criu', ['check', '--feature', 'mem_dirty_track']),
  ]);
  return [
    basics.ok ? ok('criu check', basics.said) : fault('criu check', basics.said, 'criu check --all tells more'),
    lazy.ok
      ? ok('lazy pages', lazy.said)
      : warning('lazy pages', lazy.said, 'needs userfaultfd in the kernel; without it large moves freeze for longer'),
    dirty.ok
      ? ok('pre-copy', dirty.said)
      : warning('pre-copy', dirty.said, 'needs CONFIG_MEM_SOFT_DIRTY in the kernel; live moves use post-copy instead'),
  ];
}

export const natsServer: Check = async ({ exec, env, hub, node }) => {
  if (!hub && !node?.nats.leaf) return [];
  try {
    const path = await findNatsServer(env, exec);
    return [ok('nats-server', `${await natsServerVersion(path, exec)}, ${path}`)];
  } catch (error) {
    return [
      fault('nats-server', messageOf(error), 'install nats-server 2.14 or newer, or name it in GODWIT_NATS_SERVER'),
    ];
  }
};
