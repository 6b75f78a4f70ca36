import { join } from 'node:path';

/** Where `scripts/setup.sh` puts what it builds from migrator/pages. */
export const pagesProgram = join(import.meta.dirname, '../../.cache/bin/godwit-pages');
