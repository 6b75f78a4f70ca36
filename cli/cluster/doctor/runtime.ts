/** How far something of a container runtime can be used; `setting`: only when the node's administrator has turned it on. */
export type Ability = 'no' | 'setting' | 'yes';

/** What a version means for moving pods through images: kubelet's checkpoint, and restore by creating a container. */
export interface ImagePath {
  checkpoint: Ability;
  restore: Ability;
  /** What has to be set where an ability says so. */
  setting?: string;
  /** Published holes in restore, and the release of the same line that closes them. */
  holes?: string;
}

export interface Runtime extends ImagePath {
  /** As the node tells it: `containerd`, `cri-o`. */
  name: string;
  version: string;
}

type Version = readonly [major: number, minor: number, patch: number];
interface Release extends ImagePath {
  /** And all later ones, up to the next line of the table. */
  from: Version;
}

const viaCreate = 'enable_experimental_restore_via_create = true';
const criuSupport = 'enable_criu_support = true';
const level = 'container_level_enabled = "checkpoint_restore"';
/** CDI annotations that are smuggled in, and local tags that are poisoned, by a checkpoint's image. */
const holesBefore = (release: string): string => `CVE-2026-53492 and CVE-2026-50195: use ${release} or newer`;

/** By the releases' sources. Lines 2.2 and 2.3 closed restore by default in patch releases; 2.4 removed it. */
const containerd: readonly Release[] = [
  { from: [0, 0, 0], checkpoint: 'no', restore: 'no' },
  { from: [2, 0, 0], checkpoint: 'yes', restore: 'no' },
  { from: [2, 1, 0], checkpoint: 'yes', restore: 'yes', holes: holesBefore('2.1.9') },
  { from: [2, 1, 9], checkpoint: 'yes', restore: 'yes' },
  { from: [2, 2, 0], checkpoint: 'yes', restore: 'yes', holes: holesBefore('2.2.5') },
  { from: [2, 2, 5], checkpoint: 'yes', restore: 'yes' },
  { from: [2, 2, 7], checkpoint: 'yes', restore: 'setting', setting: viaCreate },
  { from: [2, 3, 0], checkpoint: 'yes', restore: 'yes', holes: holesBefore('2.3.2') },
  { from: [2, 3, 2], checkpoint: 'yes', restore: 'yes' },
  { from: [2, 3, 4], checkpoint: 'yes', restore: 'setting', setting: viaCreate },
  { from: [2, 4, 0], checkpoint: 'yes', restore: 'no' },
];

const bindMounts = 'CVE-2024-8676: use 1.32 or a patch release that closes it';
const newLevel = `${level} in releases since September 2026`;
const crio: readonly Release[] = [
  { from: [0, 0, 0], checkpoint: 'no', restore: 'no' },
  { from: [1, 25, 0], checkpoint: 'setting', restore: 'setting', setting: criuSupport, holes: bindMounts },
  { from: [1, 30, 0], checkpoint: 'yes', restore: 'setting', setting: newLevel, holes: bindMounts },
  { from: [1, 32, 0], checkpoint: 'yes', restore: 'setting', setting: newLevel },
  { from: [1, 36, 4], checkpoint: 'yes', restore: 'setting', setting: level },
];

const tables: Readonly<Record<string, readonly Release[]>> = { containerd, 'cri-o': crio };

/** Of what a Node tells as `containerRuntimeVersion`, such as `containerd://2.1.9`; undefined for a runtime that is not known. */
export function runtimeOf(told: string): Runtime | undefined {
  const [, name = '', version = ''] = /^([^:]+):\/\/v?(.+)$/.exec(told) ?? [];
  const release = releaseOf(tables[name] ?? [], version);
  if (!release) return undefined;
  const { from: _, ...abilities } = release;
  return { name, version, ...abilities };
}

/** The kubelet's own part: the gate ContainerCheckpoint is off by default before 1.30. */
export function kubeletCheckpoint(told: string): Ability | undefined {
  const version = parseVersion(told.replace(/^v/, ''));
  if (!version) return undefined;
  if (compare(version, [1, 25, 0]) < 0) return 'no';
  return compare(version, [1, 30, 0]) < 0 ? 'setting' : 'yes';
}

function releaseOf(table: readonly Release[], text: string): Release | undefined {
  const version = parseVersion(text);
  return version && table.findLast(({ from }) => compare(from, version) <= 0);
}

/** What distributions and candidates add behind the numbers counts for nothing. */
function parseVersion(text: string): Version | undefined {
  const [, major, minor, patch = '0'] = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(text) ?? [];
  return major === undefined ? undefined : [Number(major), Number(minor), Number(patch)];
}

function compare(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}
