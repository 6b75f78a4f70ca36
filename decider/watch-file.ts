import { watch } from 'node:fs';
import { dirname } from 'node:path';
import type { Logger } from '../lib/logger.ts';

/** Lets an editor finish before the file is read. */
const settleMs = 100;

/**
 * Calls `changed` once things have settled after anything happened in the file's folder: editors and ConfigMaps replace the file, so
 * that a watch of the file itself would go blind. Returns a function that stops it.
 */
export function watchFile(file: string, changed: () => void, log: Logger): () => void {
  let timer: NodeJS.Timeout | undefined;
  const soon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(changed, settleMs);
  };
  try {
    const watcher = watch(dirname(file), soon);
    watcher.on('error', (error) => log.error({ err: error, file }, 'policy file is not watched'));
    return () => {
      clearTimeout(timer);
      watcher.close();
    };
  } catch (error) {
    log.error({ err: error, file }, 'policy file is not watched');
    return () => clearTimeout(timer);
  }
}
