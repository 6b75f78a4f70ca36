/** Things that are dear to make, lent to one worker at a time. */
export interface Pool<T> {
  /** Waits for a free one. One that `work` has failed with is replaced. */
  lend<R>(work: (one: T) => Promise<R>): Promise<R>;
  close(): Promise<void>;
}

export function createPool<T>(size: number, make: () => Promise<T>, end: (one: T) => Promise<void>): Pool<T> {
  const all: Slot<T>[] = Array.from({ length: size }, () => ({ one: quiet(make()) }));
  const free = [...all];
  const waiting: ((slot: Slot<T>) => void)[] = [];
  const take = (): Promise<Slot<T>> => {
    const slot = free.shift();
    return slot ? Promise.resolve(slot) : new Promise((resolve) => waiting.push(resolve));
  };
  const give = (slot: Slot<T>): void => {
    const next = waiting.shift();
    if (next) next(slot);
    else free.push(slot);
  };
  return {
    lend: async (work) => {
      const slot = await take();
      try {
        return await work(await slot.one);
      } catch (error) {
        slot.one = quiet(slot.one.then(end, () => undefined).then(make));
        throw error;
      } finally {
        give(slot);
      }
    },
    close: async () => {
      await Promise.all(all.map(({ one }) => one.then(end, () => undefined)));
    },
  };
}

interface Slot<T> {
  one: Promise<T>;
}

/** Its rejection waits for whoever takes the slot. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
