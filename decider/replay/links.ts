export interface Links {
  /** When a transfer that is ready at `at` begins and ends. */
  occupy(link: string, at: number, transferMs: number): { startedAt: number; endedAt: number };
}

/** Transfers over one link go one after the other, each at the full rate. */
export function createLinks(): Links {
  const freeAt = new Map<string, number>();
  return {
    occupy: (link, at, transferMs) => {
      const startedAt = Math.max(at, freeAt.get(link) ?? 0);
      const endedAt = startedAt + transferMs;
      freeAt.set(link, endedAt);
      return { startedAt, endedAt };
    },
  };
}
