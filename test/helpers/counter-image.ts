import { pushImage } from '../../lab/kubernetes/images.ts';
import { labSettings } from '../../lab/settings.ts';
import type { TestFleet } from './fleet.ts';

/** In the lab's registry. */
export const counterImage = 'counter:1';

/** The counter app's bundle as an image in the registry of the fleet's cluster. */
export async function pushCounter(fleet: TestFleet): Promise<void> {
  const folders = ['app', 'lib', 'lib64', 'usr'];
  const files = Object.fromEntries(folders.map((name) => [`/opt/bundles/counter/rootfs/${name}`, `/${name}`]));
  const entrypoint = ['/usr/bin/node', '/app/main.mjs'];
  await pushImage(labSettings(), fleet.name, 'hub', { name: counterImage, files, entrypoint });
}
