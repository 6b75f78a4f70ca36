import { randomBytes } from 'node:crypto';
import { copyFile, rm } from 'node:fs/promises';
import { execInNode } from '../exec.ts';
import type { LabSettings } from '../settings.ts';
import { type Place, registry } from './plan.ts';

/** An image of one layer, of files that the hub has. */
export interface Image {
  /** Such as `pause:1`: name and tag in the lab's registry. */
  name: string;
  /** Paths in the image by paths in the hub. */
  files: Readonly<Record<string, string>>;
  entrypoint: readonly string[];
}

// $1: where to push to; then pairs of paths up to --; then flags of umoci-config(1).
const script = `
layout=$(mktemp -d)
trap 'rm -rf "$layout"' EXIT
image=$layout/oci:1
target=$1; shift
umoci init --layout "$layout/oci"
umoci new --image "$image"
while [ "$1" != -- ]; do umoci insert --image "$image" "$1" "$2"; shift 2; done
shift
umoci config --image "$image" "$@"
skopeo copy --quiet --insecure-policy "oci:$image" "docker://$target"
`;

/** Builds the image in the hub and pushes it to the lab's registry, replacing one of its name. @throws E_EXEC, E_LAB */
export async function pushImage(settings: LabSettings, lab: string, hub: string, image: Image): Promise<void> {
  const files = Object.entries(image.files).flat();
  const flags = image.entrypoint.map((word) => `--config.entrypoint=${word}`);
  const argv = ['/bin/sh', '-euc', script, 'sh', `${registry}/${image.name}`, ...files, '--', ...flags];
  await execInNode(settings, lab, hub, argv, { timeoutMs: 60_000 });
}

/** The same, unless the registry has one of that name: for names that tell their content. @throws E_EXEC, E_LAB */
export async function ensureImage(settings: LabSettings, lab: string, hub: string, image: Image): Promise<void> {
  const ask = ['skopeo', 'inspect', '--raw', `docker://${registry}/${image.name}`];
  const { exitCode } = await execInNode(settings, lab, hub, ask, { timeoutMs: 60_000, allowFailure: true });
  if (exitCode !== 0) await pushImage(settings, lab, hub, image);
}

/** Pushes an OCI archive of this machine to the lab's registry, as `name`, such as `godwit:1`. @throws E_EXEC, E_LAB */
export async function pushArchive(
  settings: LabSettings,
  lab: string,
  hub: Place,
  { archive, name }: { archive: string; name: string },
): Promise<void> {
  const path = `/var/lib/godwit/${randomBytes(8).toString('hex')}.tar`;
  await copyFile(archive, `${hub.root}${path}`);
  try {
    const argv = ['skopeo', 'copy', '--quiet', '--insecure-policy', `oci-archive:${path}`];
    await execInNode(settings, lab, hub.name, [...argv, `docker://${registry}/${name}`], { timeoutMs: 120_000 });
  } finally {
    await rm(`${hub.root}${path}`, { force: true });
  }
}
