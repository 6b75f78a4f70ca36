import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkloadSpec } from '../../lib/contract/agent.ts';
import { checkpointImage, type PodDeclaration } from '../../lib/contract/pod.ts';
import { GodwitError, messageOf } from '../../lib/errors.ts';
import type { Exec } from '../../lib/exec.ts';
import { isMissing } from '../../lib/files.ts';
import type { NodeConfig } from '../../lib/node-config.ts';
import type { Journal, SourceJournal } from '../agent/journal.ts';
import { type Checkpoint, removeImage } from '../engine/checkpoint.ts';
import type { Container } from '../engine/container.ts';
import { restoreHoldObstacle } from '../engine/restore-hold.ts';
import { refuseOwnHosts } from './hosts-guard.ts';
import { podFolderIn, readBundle } from './place.ts';

// What differs for a pod that moves as an image: of a stock node, without a runtime of ours.

const archives = '/var/lib/kubelet/checkpoints';
type ByImage = NonNullable<WorkloadSpec['checkpoint']>;

/** Its part of the spec; undefined for a pod of our runtime. @throws E_PREFLIGHT */
export async function checkpointOf(
  declared: PodDeclaration,
  container: Container,
  config: NodeConfig,
): Promise<ByImage | undefined> {
  if (declared.checkpoints === undefined) return undefined;
  if (!config.imagePath)
    throw new GodwitError('E_PREFLIGHT', `${config.name} may not ask its kubelet for checkpoints`, {
      next: 'set imagePath in its node.yaml',
    });
  const bundle = await readBundle(container.bundle);
  await refuseOwnHosts({ bundle: container.bundle, folder: podFolderIn(bundle, declared.uid) ?? '' });
  const shm = bundle.mounts.find(({ destination }) => destination === '/dev/shm')?.source;
  if (shm?.startsWith('/') && (await readdir(shm)).length > 0)
    throw new GodwitError('E_PREFLIGHT', `${declared.name} has files in /dev/shm, which a checkpoint does not hold`, {
      next: 'use RuntimeClass godwit',
    });
  return {
    container: `${declared.namespace}/${declared.pod}/${declared.container}`,
    repository: declared.checkpoints,
    base: baseOf(container.labels['io.kubernetes.cri.image-name'] ?? '', declared.image),
  };
}

/** By its digest, as containerd asks for it when it restores. Pure. */
export function baseOf(image: string, digest: string): string {
  const [name = ''] = image.split('@');
  return digest.startsWith('sha256:') ? `${name.replace(/:[^:/]+$/, '')}@${digest}` : image;
}

/** What is asked of the kubelet. */
export function checkpointFor(journal: SourceJournal, config: NodeConfig): Checkpoint {
  const { pages, target } = journal;
  const by = journal.prepared?.spec.checkpoint;
  if (!by || !config.imagePath) throw new GodwitError('E_STALE', 'this migration was not prepared to go by an image');
  const { token, kubeletCertificate, kubeletPort } = config.imagePath;
  return {
    migration: journal.migration,
    container: by.container,
    image: checkpointImage(by.repository, journal.migration),
    pages: pages && target !== undefined ? { node: target, ...pages } : undefined,
    kubelet: { address: `${config.address}:${kubeletPort}`, node: config.name, trust: kubeletCertificate, token },
  };
}

/** Whether a copy can come in here: it would be held, and what it stands on can be had. @throws E_PREFLIGHT */
export async function receiveImage({ base }: ByImage, node: string, exec: Exec): Promise<void> {
  const obstacle = await restoreHoldObstacle();
  if (obstacle)
    throw new GodwitError('E_PREFLIGHT', `${node}: ${obstacle}`, { next: 'set imagePath in its node.yaml' });
  // containerd 2.1 asks for it in the same way inside the restore, without anybody's credentials
  await ctr(exec, 'pull', base).catch((error: unknown) => {
    throw new GodwitError('E_PREFLIGHT', `${node} can not pull ${base}: ${messageOf(error)}`, { cause: error });
  });
}

const ctr = (exec: Exec, ...args: string[]) =>
  exec('ctr', ['--namespace', 'k8s.io', 'images', ...args], { timeoutMs: 300_000 });

/** At the source: neither archive nor image stays. */
export async function removeCheckpoint(journal: SourceJournal, exec: Exec): Promise<void> {
  const by = journal.prepared?.spec.checkpoint;
  if (!by || journal.frozenAt === undefined) return;
  await removeArchives(by.container, journal.frozenAt);
  await removeImage(checkpointImage(by.repository, journal.migration), exec);
}

/** One that a kubelet has written without anybody left to take it. */
async function removeArchives(container: string, since: number): Promise<void> {
  const [namespace, pod, name] = container.split('/');
  const names = await readdir(archives).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  for (const file of names.filter((one) => one.startsWith(`checkpoint-${pod}_${namespace}-${name}-`))) {
    const path = join(archives, file);
    const written = await stat(path).catch(() => undefined);
    if (written && written.mtimeMs >= since) await rm(path, { force: true });
  }
}

/** At the target: containerd keeps no name of the image; its content goes with containerd's next collection. */
export async function forgetImages(journals: readonly Journal[], exec: Exec): Promise<void> {
  const images = journals.flatMap((journal) => {
    const by = journal.role === 'target' ? journal.spec.checkpoint : undefined;
    return by ? [checkpointImage(by.repository, journal.migration)] : [];
  });
  if (images.length === 0) return;
  const { stdout } = await ctr(exec, 'ls');
  const names = images.flatMap((image) => namesOf(stdout, image));
  if (names.length > 0) await ctr(exec, 'rm', ...names);
}

/** A kubelet may end its pull when the migration has been over for a while. */
const lateMs = 600_000;

export const isRecentlyEnded = (journal: Journal, now: number): boolean =>
  journal.ended && now - journal.updatedAt < lateMs;

/** All names of what `image` names, in what `ctr images ls` prints: a name, a type, a digest. Pure. */
export function namesOf(listing: string, image: string): string[] {
  const rows = listing.split('\n').map((line) => line.trim().split(/\s+/));
  const digest = rows.find(([name]) => name === image)?.[2];
  return digest === undefined ? [] : rows.flatMap(([name = '', , one]) => (one === digest ? [name] : []));
}
