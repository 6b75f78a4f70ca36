import { chmod, chown, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfPresent, writeDurably } from '../../lib/files.ts';
import { type NodeConfig, tlsFiles } from '../../lib/node-config.ts';
import { type HandedOut, handedOutPaths } from './handed-out.ts';

/** User and group of sidecars: the one of `nonroot` in distroless images. */
const sidecarGroup = 65_532;

/** Writes what the node's sidecars need to `<runDir>/sidecar`, for their group alone; what stands there already is left alone. */
export async function handOut(config: NodeConfig, group = sidecarGroup): Promise<void> {
  const folder = join(config.runDir, 'sidecar');
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o750);
  await chown(folder, -1, group);
  const from = tlsFiles(config.pki, 'sidecar');
  const to = handedOutPaths(folder);
  for (const file of ['ca', 'cert', 'key'] as const) await place(to[file], await readFile(from[file], 'utf8'), group);
  const { name, site, address, nats, monitor } = config;
  const servers = nats.servers.map((url) => url.replace(/\b(127\.0\.0\.1|localhost)\b/, address));
  const facts: HandedOut = { node: name, site, servers, intervalMs: monitor.intervalMs };
  await place(to.node, JSON.stringify(facts), group); // last: it says that all is there
}

async function place(path: string, content: string, group: number): Promise<void> {
  if ((await readIfPresent(path)) === content) return;
  await writeDurably(path, content, 0o640);
  await chown(path, -1, group);
}
