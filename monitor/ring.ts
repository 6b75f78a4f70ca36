/** First in, first out, of bounded weight: what does not fit pushes the oldest out. */
export interface Ring<T> {
  /** Returns how many old items were dropped for this one. */
  push(item: T): number;
  shift(): T | undefined;
  readonly size: number;
}

/** `weigh` gives an item's weight; a single item heavier than `capacity` is kept, alone. */
export function createRing<T>(capacity: number, weigh: (item: T) => number): Ring<T> {
  const items: T[] = [];
  let weight = 0;
  const shift = (): T | undefined => {
    const item = items.shift();
    if (item !== undefined) weight -= weigh(item);
    return item;
  };
  return {
    push: (item) => {
      items.push(item);
      weight += weigh(item);
      let dropped = 0;
      for (; weight > capacity && items.length > 1; dropped++) shift();
      return dropped;
    },
    shift,
    get size() {
      return items.length;
    },
  };
}
