import { buildApps } from '../apps/build.ts';
import { ensureRoot } from '../lab/root.ts';
import { labSettings } from '../lab/settings.ts';
import { ociConfig } from '../lib/oci-config.ts';
import { bundlesFolder } from './places.ts';

// The slow parts of `make setup` that need Node: built once, kept in the machine's cache, shared by all checkouts.
const say = (line: string): void => console.log(`set-up: ${line}`);

const root = await ensureRoot(labSettings({ onProgress: say }));
say(`root file system: ${root}`);
await buildApps({ out: bundlesFolder(), root, only: [], config: ociConfig, log: say });
