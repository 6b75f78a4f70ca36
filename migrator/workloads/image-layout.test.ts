import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Descriptor, findManifest, platformOf, splitImageName } from './image-layout.ts';

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';
const amd64 = { os: 'linux', architecture: 'amd64' };
const arm64 = { os: 'linux', architecture: 'arm64' };

let layout: string;
beforeEach(async () => {
  layout = await mkdtemp(join(tmpdir(), 'godwit-layout-'));
  await mkdir(join(layout, 'blobs/sha256'), { recursive: true });
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
});
afterEach(() => rm(layout, { recursive: true, force: true }));

async function blob(value: object, mediaType = manifestType): Promise<Descriptor> {
  const hex = createHash('sha256').update(JSON.stringify(value)).digest('hex');
  await writeFile(join(layout, 'blobs/sha256', hex), JSON.stringify(value));
  return { mediaType, digest: `sha256:${hex}` };
}
const image = async (platform: object): Promise<Descriptor> => blob({ config: await blob(platform) });
const tagged = (tag: string, descriptor: Descriptor): Descriptor => ({
  ...descriptor,
  annotations: { 'org.opencontainers.image.ref.name': tag },
});
const index = (...manifests: object[]) => writeFile(join(layout, 'index.json'), JSON.stringify({ manifests }));

test('the folder ends at the first colon', () => {
  expect(splitImageName('/srv/shop:registry.example:5000/shop:1.2')).toEqual({
    layout: '/srv/shop',
    tag: 'registry.example:5000/shop:1.2',
  });
  expect(splitImageName('/srv/shop')).toEqual({ layout: '/srv/shop', tag: '' });
});

test('platforms have the names of Go', () => {
  expect([platformOf('x64'), platformOf('arm64')]).toEqual([amd64, arm64]);
});

test('a tag leads to its manifest', async () => {
  const [one, two] = [await image(amd64), await image({ ...amd64, created: 'later' })];
  await index(tagged('1', one), tagged('2', two));
  expect((await findManifest(layout, '2', amd64)).digest).toBe(two.digest);
});

test('of several platforms behind a tag the fitting one is taken', async () => {
  const [here, there] = [await image(amd64), await image(arm64)];
  const attestation = { ...(await image({})), platform: { os: 'unknown', architecture: 'unknown' } };
  const many = { manifests: [{ ...there, platform: arm64 }, attestation, { ...here, platform: amd64 }] };
  await index(tagged('many', await blob(many, indexType)), tagged('twice', there), tagged('twice', here));
  expect((await findManifest(layout, 'many', amd64)).digest).toBe(here.digest);
  expect((await findManifest(layout, 'many', arm64)).digest).toBe(there.digest);
  expect((await findManifest(layout, 'twice', amd64)).digest).toBe(here.digest);
  const riscv = { os: 'linux', architecture: 'riscv64' };
  await expect(findManifest(layout, 'many', riscv)).rejects.toThrow(
    /:many is for linux\/arm64, linux\/amd64, and this node is linux\/riscv64$/,
  );
});

test.each([
  ['v3', /has no tag "v3"; its tags are v1, v2$/],
  ['', /which image of .*\? its tags are v1, v2$/],
  ['v2', /is for linux\/arm64, and this node is linux\/amd64$/],
])('tag %j is refused', async (tag, reason) => {
  await index(tagged('v2', await image(arm64)), tagged('v1', await image(amd64)));
  await expect(findManifest(layout, tag, amd64)).rejects.toThrow(reason);
});

test.each([
  ['a folder that is not there', () => rm(layout, { recursive: true }), /no folder/],
  ['another folder', () => rm(join(layout, 'oci-layout')), /no whole OCI image layout: oci-layout is missing/],
  ['a layout without an index', () => Promise.resolve(), /index\.json is missing/],
  ['a layout without tags', async () => index(await image(amd64)), /no image in it has a tag/],
  [
    'a lost blob',
    () => index(tagged('v1', { mediaType: manifestType, digest: `sha256:${'0'.repeat(64)}` })),
    /missing/,
  ],
  [
    'a way out of it',
    () => index(tagged('v1', { mediaType: manifestType, digest: 'sha256:../../x' })),
    /digest: expected/,
  ],
  [
    'a Docker manifest',
    async () => index(tagged('v1', { ...(await image(amd64)), mediaType: 'application/vnd.docker.x+json' })),
    /holds a application\/vnd\.docker\.x\+json/,
  ],
  ['a later format', () => writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}'), /expected 1\.x/],
])('%s is refused', async (_, make, reason) => {
  await make();
  await expect(findManifest(layout, 'v1', amd64)).rejects.toThrow(reason);
});

test('an archive is refused with the command that unpacks it', async () => {
  const file = join(layout, 'shop.tar');
  await writeFile(file, '');
  await expect(findManifest(file, 'v1', amd64)).rejects.toMatchObject({
    message: expect.stringContaining('is a file'),
    next: expect.stringContaining('docker-archive:FILE.tar'),
  });
});
