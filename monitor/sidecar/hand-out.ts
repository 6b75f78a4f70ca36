import { chmod, chown, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { nameSchema } from '../../lib/contract/names.ts';
import { readIfPresent, writeDurably } from '../../lib/files.ts';
import { type NodeConfig, tlsFiles } from '../../lib/node-config.ts';

/** User and group of sidecars: the one of `nonroot` in distroless images. */
export const sidecarGroup = 65_532;

/** `node.json` in the folder that the node's monitor hands out: a pod is not told its node before it runs there. */
export const handedOutSchema = z.object({
  node: nameSchema,
  site: nameSchema,
  /** NATS client URLs that are reached from a pod. */
  servers: z.array(z.string()).min(1),
  intervalMs: z.number().positive(),
});
export type HandedOut = z.infer<typeof handedOutSchema>;

export const handedOutFile = 'node.json';

/** Writes what the node's sidecars need to `<runDir>/sidecar`, for their group alone; what stands there already is left alone. */
export async function handOut(config: NodeConfig, group = sidecarGroup): Promise<void> {
  const folder = join(config.runDir, 'sidecar');
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o750);
  await chown(folder, -1, group);
  const { ca, cert, key } = tlsFiles(config.pki, 'sidecar');
  const files = { 'ca.crt': ca, 'sidecar.crt': cert, 'sidecar.key': key };
  for (const [name, source] of Object.entries(files))
    await place(join(folder, name), await readFile(source, 'utf8'), group);
  const { name, site, address, nats, monitor } = config;
  const servers = nats.servers.map((url) => url.replace(/\b(127\.0\.0\.1|localhost)\b/, address));
  const facts: HandedOut = { node: name, site, servers, intervalMs: monitor.intervalMs };
  await place(join(folder, handedOutFile), JSON.stringify(facts), group); // last: it says that all is there
}

async function place(path: string, content: string, group: number): Promise<void> {
  if ((await readIfPresent(path)) === content) return;
  await writeDurably(path, content, 0o640);
  await chown(path, -1, group);
}
