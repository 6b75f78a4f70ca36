import { type FSWatcher, watch } from 'node:fs';

/** runc makes a container's folder first and writes its state a little later. */
const settleMs = 100;

export interface FolderWatch {
  /** (Re)starts watching when the folder was not there before or has been made anew. Call it at each rescan. */
  renew(): void;
  close(): void;
}

/**
 * Calls `changed` soon after something appeared in or left `folder`. It is a hint only: whoever relies on it rescans by time as
 * well, because the folder may not exist yet or inotify may be exhausted.
 */
export function watchFolder(folder: string, changed: () => void): FolderWatch {
  let watcher: FSWatcher | undefined;
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    watcher?.close();
    watcher = undefined;
  };
  const notice = (_event: string, name: string | null): void => {
    // The folder's own end comes under its own name.
    if (name !== null && folder.endsWith(`/${name}`)) stop();
    timer ??= setTimeout(() => {
      timer = undefined;
      changed();
    }, settleMs);
  };
  return {
    renew: () => {
      if (watcher) return;
      try {
        watcher = watch(folder, { persistent: false }, notice);
        watcher.on('error', stop);
      } catch {
        stop();
      }
    },
    close: () => {
      clearTimeout(timer);
      stop();
    },
  };
}
