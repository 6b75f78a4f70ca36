import type { ResourceState } from '../world/model.ts';
import { ratioOf } from '../world/model.ts';
import type { OverloadParams } from './params.ts';

/** Says of the newest state of one resource whether it lies beyond what it may; holding and firing are not its business. */
export type OverloadDetector = (resource: ResourceState, trigger: number) => boolean;

/** THR: the moving average against a fixed threshold. */
const threshold: OverloadDetector = (resource, trigger) => ratioOf(resource.mean, resource.capacity) > trigger;

export const detectors: Record<OverloadParams['detector'], OverloadDetector> = { THR: threshold };
