import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GodwitError, messageOf } from '../../lib/errors.ts';
import { exists } from '../../lib/files.ts';
import { withLock } from '../lock.ts';
import type { LabSettings } from '../settings.ts';

/** Debian packages that the nodes of a cluster have beside those of every lab. */
export const kubernetesPackages = [
  'containerd',
  'containernetworking-plugins',
  'docker-registry',
  'etcd-server',
  'skopeo',
];

/** The names that the program `kube` is called by: each is a part of Kubernetes. */
export const kubePrograms = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
  'kubectl',
] as const;

/** Programs that are built from Go modules: one folder each in `build`. */
export const programs = ['kube', 'coredns'] as const;
export type Program = (typeof programs)[number];

/** Where the nodes have a program. */
export const inNode = (program: Program): string => `/usr/local/bin/${program}`;

export interface Built {
  path: string;
  /** Of everything that it was built from. */
  key: string;
}

/** A program on this machine. @throws E_SETUP when it is not built */
export async function requireProgram(settings: LabSettings, program: Program): Promise<Built> {
  const { path, key } = await planBuild(settings, program);
  if (await exists(path)) return { path, key };
  throw new GodwitError('E_SETUP', `${program} is not built on this machine`, {
    next: 'make setup-kubernetes builds it, once.',
  });
}

/** Builds the program unless it is there. @throws E_SETUP without Go, E_LAB when the build fails */
export async function ensureProgram(settings: LabSettings, program: Program): Promise<Built> {
  const plan = await planBuild(settings, program);
  const { path, key } = plan;
  if (await exists(path)) return { path, key };
  return withLock(`build:${path}`, async () => {
    if (!(await exists(path))) await build(settings, program, plan);
    return { path, key };
  });
}

interface BuildPlan extends Built {
  sources: string;
  linkerFlags: string;
}

async function planBuild(settings: LabSettings, program: Program): Promise<BuildPlan> {
  const sources = join(import.meta.dirname, 'build', program);
  const names = (await readdir(sources)).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(sources, name), 'utf8')));
  const linkerFlags = ['-s', '-w', ...versionFlags(texts[names.indexOf('go.mod')] ?? '')].join(' ');
  const hash = createHash('sha256').update(JSON.stringify([names, texts, linkerFlags]));
  const key = hash.digest('hex').slice(0, 12);
  return { path: join(settings.cacheDir, `${program}-${key}`, program), key, sources, linkerFlags };
}

/** What a release of Kubernetes is linked with, so that it tells its version; none for a module that does not build it. */
export function versionFlags(goMod: string): string[] {
  const [, version, major, minor] = /^\s*k8s\.io\/kubernetes (v(\d+)\.(\d+)\.\S+)/m.exec(goMod) ?? [];
  if (!version) return [];
  const values = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
  return Object.entries(values).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
}

async function build(
  settings: LabSettings,
  program: Program,
  { path, sources, linkerFlags }: BuildPlan,
): Promise<void> {
  settings.onProgress(`building ${program} from its Go modules, once: some minutes`);
  await mkdir(dirname(path), { recursive: true });
  const unfinished = `${path}.building`;
  const args = ['build', '-trimpath', '-buildvcs=false', `-ldflags=${linkerFlags}`, '-o', unfinished, '.'];
  try {
    await settings.exec('go', args, { cwd: sources, env: { CGO_ENABLED: '0' }, timeoutMs: 90 * 60_000 });
  } catch (error) {
    await rm(dirname(path), { recursive: true, force: true });
    if (messageOf(error).includes('ENOENT'))
      throw new GodwitError('E_SETUP', 'Go is not installed', { cause: error, next: 'Run make setup-kubernetes.' });
    throw new GodwitError('E_LAB', `${program} could not be built: ${messageOf(error)}`, { cause: error });
  }
  await rename(unfinished, path);
}
