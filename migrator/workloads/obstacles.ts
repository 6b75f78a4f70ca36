import type { Clock } from '../../lib/clock.ts';
import type { Container } from '../engine/container.ts';

const freshMs = 15_000;

/** Remembers what stands against a container's move for a while: looking costs a walk over its open files. */
export function rememberObstacles(
  look: (container: Container) => Promise<string | undefined>,
  clock: Clock,
): (container: Container) => Promise<string | undefined> {
  const seen = new Map<string, { pid: number; at: number; obstacle: string | undefined }>();
  return async (container) => {
    const known = seen.get(container.id);
    if (known?.pid === container.pid && clock.monotonic() - known.at < freshMs) return known.obstacle;
    const obstacle = await look(container);
    seen.set(container.id, { pid: container.pid, at: clock.monotonic(), obstacle });
    return obstacle;
  };
}
