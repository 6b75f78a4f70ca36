import { join } from 'node:path';
import { labSettings } from '../lab/settings.ts';

/** Where the example workloads are built to. */
export const bundlesFolder = (): string => process.env.GODWIT_BUNDLES ?? join(labSettings().cacheDir, 'bundles');
