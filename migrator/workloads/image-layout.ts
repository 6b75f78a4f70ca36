import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { GodwitError } from '../../lib/errors.ts';
import { isMissing } from '../../lib/files.ts';
import { parseJson } from '../../lib/parse.ts';

// OCI image specification 1.1: an image layout is a folder with `oci-layout`, `index.json` and `blobs/<algorithm>/<digest>`.
// https://github.com/opencontainers/image-spec/blob/main/image-layout.md

export interface Platform {
  os: string;
  architecture: string;
}

const platformSchema = z.object({ os: z.string(), architecture: z.string() });
const digestSchema = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'expected sha256: and 64 hexadecimal digits');
const descriptorSchema = z.looseObject({
  mediaType: z.string(),
  digest: digestSchema,
  platform: platformSchema.optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});
/** Names a blob of a layout: its kind, digest and size. */
export type Descriptor = z.infer<typeof descriptorSchema>;

const indexSchema = z.object({ manifests: z.array(descriptorSchema) });
const manifestSchema = z.object({ config: z.object({ digest: digestSchema }) });

const tagAnnotation = 'org.opencontainers.image.ref.name';
const indexType = 'application/vnd.oci.image.index.v1+json';
const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const makeOne =
  'skopeo copy docker://NAME:TAG oci:FOLDER:TAG makes a layout, docker-archive:FILE.tar instead reads a file';

/** `FOLDER:TAG` in two; the tag may hold colons, the folder may not, as with skopeo and umoci. Pure. */
export function splitImageName(name: string): { layout: string; tag: string } {
  const colon = name.indexOf(':');
  return colon < 0 ? { layout: name, tag: '' } : { layout: name.slice(0, colon), tag: name.slice(colon + 1) };
}

/** This machine's platform as images name it (values of Go's GOARCH), from Node's `process.arch`. Pure. */
export function platformOf(arch: string): Platform {
  const names: Record<string, string> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };
  return { os: 'linux', architecture: names[arch] ?? arch };
}

/** The manifest of a layout's image for a platform; where a tag names several, the one that fits. @throws E_CONFIG, E_INPUT */
export async function findManifest(layout: string, tag: string, wanted: Platform): Promise<Descriptor> {
  await refuseOther(layout);
  const index = await readPart(layout, 'index.json', indexSchema);
  const tagged = index.manifests.filter(({ annotations }) => annotations?.[tagAnnotation] === tag);
  if (tagged.length === 0) throw unknownTag(layout, tag, index.manifests);
  const manifests = (await Promise.all(tagged.map((one) => manifestsOf(layout, one)))).flat();
  const found = await Promise.all(
    manifests.map(async (manifest) => ({
      manifest,
      platform: manifest.platform ?? (await builtFor(layout, manifest)),
    })),
  );
  const fitting = found.find(({ platform }) => textOf(platform) === textOf(wanted));
  if (fitting) return fitting.manifest;
  const others = new Set(found.map(({ platform }) => textOf(platform)).filter((text) => !text.startsWith('unknown/')));
  throw new GodwitError(
    'E_CONFIG',
    `${layout}:${tag} is for ${[...others].join(', ') || 'no platform'}, and this node is ${textOf(wanted)}`,
    { next: `skopeo --override-arch ${wanted.architecture} copy … takes the image for this node, where there is one` },
  );
}

const textOf = ({ os, architecture }: Platform): string => `${os}/${architecture}`;

/** Nothing but a layout: says what stands there instead. */
async function refuseOther(layout: string): Promise<void> {
  const folder = await stat(layout).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
    throw new GodwitError('E_CONFIG', `there is no folder ${layout}`, { cause: error, next: makeOne });
  });
  if (!folder.isDirectory())
    throw new GodwitError('E_CONFIG', `${layout} is a file, not the folder of an OCI image layout`, { next: makeOne });
  await readPart(layout, 'oci-layout', z.object({ imageLayoutVersion: z.string().regex(/^1\./, 'expected 1.x') }));
}

function unknownTag(layout: string, tag: string, manifests: readonly Descriptor[]): GodwitError {
  const tags = manifests.map(({ annotations }) => annotations?.[tagAnnotation]).filter((one) => one !== undefined);
  const there = tags.length > 0 ? `its tags are ${[...new Set(tags)].sort().join(', ')}` : 'no image in it has a tag';
  const wrong = tag === '' ? `which image of ${layout}?` : `${layout} has no tag ${JSON.stringify(tag)};`;
  return new GodwitError('E_CONFIG', `${wrong} ${there}`, { next: 'name one as FOLDER:TAG' });
}

/** Itself, or what an index of several platforms holds. */
async function manifestsOf(layout: string, descriptor: Descriptor): Promise<Descriptor[]> {
  const { mediaType, digest } = descriptor;
  if (mediaType === indexType) return (await readPart(layout, blobPath(digest), indexSchema)).manifests;
  if (mediaType === manifestType) return [descriptor];
  const next = 'skopeo copy into another oci:FOLDER:TAG converts it';
  throw new GodwitError('E_CONFIG', `${layout} holds a ${mediaType}, which is no OCI image`, { next });
}

async function builtFor(layout: string, { digest }: Descriptor): Promise<Platform> {
  const { config } = await readPart(layout, blobPath(digest), manifestSchema);
  return readPart(layout, blobPath(config.digest), platformSchema);
}

const blobPath = (digest: string): string => join('blobs', digest.replace(':', '/'));

async function readPart<T>(layout: string, part: string, schema: z.ZodType<T>): Promise<T> {
  const path = join(layout, part);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (!isMissing(error)) throw error;
    throw new GodwitError('E_CONFIG', `${layout} is no whole OCI image layout: ${part} is missing`, { next: makeOne });
  });
  return parseJson(schema, text, path);
}

/** An index of one manifest with the tag `image`, for a layout that shares the other's blobs. Pure. */
export function indexOf(manifest: Descriptor): object {
  return {
    schemaVersion: 2,
    mediaType: indexType,
    manifests: [{ ...manifest, annotations: { [tagAnnotation]: 'image' } }],
  };
}
