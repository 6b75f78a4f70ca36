import { isTrue, type Pod } from '../../k8s/objects/pod.ts';
import type { Progress } from './progress.ts';

/** The API tells whole seconds. */
const secondMs = 1000;

/**
 * Source frozen → target pod seen to be Ready, in ms; undefined until it is. `freezeMs` is the agents'; from there on the driver's and this
 * process's clocks count, and, when a pod has been Ready for a while before anybody looked, the kubelet's. At most too long.
 */
export function downtimeMs(progress: Progress, target: Pod | undefined, now: number): number | undefined {
  const { stageTimes, measurements } = progress;
  const { freezeMs } = measurements;
  // told as soon as the copy is known to run
  const ranAt = stageTimes.switch;
  if (!target || !isTrue(target, 'Ready') || freezeMs === undefined || ranAt === undefined) return undefined;
  const since = target.status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime;
  const readyAt = !since ? now : Math.min(now, Date.parse(since) + secondMs);
  return Math.round(freezeMs + Math.max(0, readyAt - ranAt));
}
