import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { GodwitError, messageOf } from '../lib/errors.ts';
import { exists } from '../lib/files.ts';
import { withLock } from './lock.ts';
import type { LabSettings } from './settings.ts';

/** sid, because older releases have a CRIU that knows no present kernels and a NATS server older than 2.14. */
const suite = 'sid';

const packages = [
  'busybox-static',
  'ca-certificates',
  'catatonit',
  'criu',
  'iproute2',
  'iputils-arping',
  'libatomic1',
  'libstdc++6',
  'mount',
  'nats-server',
  'nftables',
  'procps',
  'runc',
  'tar',
  'umoci',
  'zstd',
];

const flags = [
  '--variant=minbase',
  '--aptopt=Acquire::Check-Valid-Until "false"',
  '--aptopt=Acquire::Retries "3"',
  '--dpkgopt=path-exclude=/usr/share/doc/*',
  '--dpkgopt=path-exclude=/usr/share/man/*',
  '--dpkgopt=path-exclude=/usr/share/locale/*',
];

/**
 * Folder with the file system that all nodes share as their lower layer, with packages beside those that every lab has;
 * built at the first call, which takes half a minute. @throws E_SETUP when mmdebstrap or a mirror is missing, E_LAB when the build fails.
 */
export async function ensureRoot(settings: LabSettings, further: readonly string[] = []): Promise<string> {
  const wanted = [...packages, ...further];
  const key = createHash('sha256')
    .update(JSON.stringify([suite, wanted, flags]))
    .digest('hex');
  const path = join(settings.cacheDir, `root-${key.slice(0, 12)}`);
  if (await exists(path)) return path;
  return withLock(`root:${settings.cacheDir}`, async () => {
    if (!(await exists(path))) await build(settings, path, wanted);
    return path;
  });
}

async function build(settings: LabSettings, path: string, wanted: readonly string[]): Promise<void> {
  await mkdir(settings.cacheDir, { recursive: true });
  for (const name of await readdir(settings.cacheDir))
    if (name.endsWith('.building')) await rm(join(settings.cacheDir, name), { recursive: true, force: true });
  settings.onProgress('building the root file system of the nodes, once: about half a minute');
  const mirror = settings.mirror ?? (await hostMirror());
  const unfinished = `${path}.building`;
  const args = [...flags, `--include=${wanted.join(',')}`, suite, unfinished, mirror];
  try {
    await settings.exec('mmdebstrap', args, { timeoutMs: 15 * 60_000 });
  } catch (error) {
    throw buildError(error);
  }
  await rename(unfinished, path);
}

function buildError(error: unknown): GodwitError {
  const text = messageOf(error);
  if (text.includes('ENOENT'))
    return new GodwitError('E_SETUP', 'mmdebstrap is not installed', { cause: error, next: 'Run make setup.' });
  return new GodwitError('E_LAB', `the root file system could not be built: ${text}`, {
    cause: error,
    next: 'Check the Debian mirror in apt’s sources, or name another in GODWIT_DEBIAN_MIRROR.',
  });
}

async function hostMirror(): Promise<string> {
  const folder = '/etc/apt/sources.list.d';
  const files = ['/etc/apt/sources.list', ...(await readdir(folder).catch(() => [])).map((name) => join(folder, name))];
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  const mirror = texts.map(findMirror).find((found) => found !== undefined);
  if (mirror) return mirror;
  throw new GodwitError('E_SETUP', 'apt’s sources name no Debian mirror', {
    next: 'Name one in GODWIT_DEBIAN_MIRROR.',
  });
}

/** First archive of Debian itself in a sources.list(5) file of either format: the one whose keyring is Debian's, or whose path ends in /debian. */
export function findMirror(text: string): string | undefined {
  for (const stanza of text.replace(/^#.*\n?/gm, '').split(/\n\s*\n/)) {
    const uri = /^URIs:\s*(\S+)/m.exec(stanza)?.[1];
    if (uri && !/security/.test(uri) && (/debian-archive/.test(stanza) || /\/debian\/?$/.test(uri))) return uri;
  }
  for (const [, uri] of text.matchAll(/^deb\s+(?:\[[^\]]*\]\s+)?(\S+)/gm))
    if (uri && /\/debian\/?$/.test(uri)) return uri;
  return undefined;
}
