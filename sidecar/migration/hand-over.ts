import { z } from 'zod';
import { type OwnerReference, ownerReferenceSchema } from '../../k8s/objects/meta.ts';
import { isTrue, type Pod } from '../../k8s/objects/pod.ts';
import { parseJson } from '../../lib/parse.ts';
import type { Action } from './actions.ts';
import { cutoverGate, handOverMarks } from './marks.ts';
import type { Observed } from './observed.ts';
import { controllerOf } from './owners.ts';

export interface HandOver {
  /** Undefined: all is done. */
  action: Action | undefined;
  /** What is waited for. */
  why: string;
}

/**
 * After success: the copy's pod takes the source's place with its owner, and the source goes. A pod that is not Ready would be the one that
 * a ReplicaSet ends, so it becomes one of its pods only when it is.
 */
export function handOver(observed: Observed): HandOver {
  const { migration, source, target, owner } = observed;
  const own = source?.metadata.uid === migration.status?.sourcePodUID ? source : undefined;
  const left = own?.metadata.deletionTimestamp === undefined ? own : undefined;
  if (!target || target.metadata.deletionTimestamp) return left ? removal : done;
  if (!isTrue(target, cutoverGate)) return { action: { kind: 'open-gate' }, why: 'its readiness gate is to be opened' };
  const reference = ownerOf(target);
  if (reference && !controllerOf(target)) return adoption(reference, target, owner, own);
  const held = reference?.kind === 'Job' && left ? heldLabels(left, target) : [];
  if (held.length > 0) return { action: { kind: 'disown', labels: held }, why: 'its owner is to let the source go' };
  return left ? removal : arrival(target, observed);
}

/** A bare pod that does not become Ready within this time after its move has moved all the same. */
const readyMs = 60_000;

function arrival(target: Pod, { progress, now }: Pick<Observed, 'progress' | 'now'>): HandOver {
  const isLate = now - (progress?.endedAt ?? now) > readyMs;
  if (isTrue(target, 'Ready') || isLate) return done;
  return { action: { kind: 'wait' }, why: `${target.metadata.name} is not Ready yet` };
}

const done: HandOver = { action: undefined, why: '' };
const removal: HandOver = {
  action: { kind: 'delete-pod', pod: 'source', gracePeriodSeconds: 1 },
  why: 'the source pod is to be deleted',
};

function adoption(reference: OwnerReference, target: Pod, owner: Observed['owner'], source: Pod | undefined): HandOver {
  const { kind, name, uid } = reference;
  const isGone = owner?.metadata.uid !== uid;
  if (isGone && source && !controllerOf(source))
    return { action: { kind: 'release-target' }, why: `${kind} ${name} has left its pods to themselves` };
  if (isGone)
    return {
      action: { kind: 'delete-pod', pod: 'target', gracePeriodSeconds: 30 },
      why: `${kind} ${name} is gone, and its pods with it`,
    };
  if (!isTrue(target, 'Ready')) return { action: { kind: 'wait' }, why: `${target.metadata.name} is not Ready yet` };
  // of two that are Ready a Job ends the one that became so last
  if (kind === 'Job' && source && isTrue(source, 'Ready'))
    return { action: { kind: 'wait' }, why: `${source.metadata.name} is still Ready` };
  const labels = labelsOf(target);
  const missing = Object.keys(labels).some((label) => target.metadata.labels?.[label] !== labels[label]);
  return {
    action: missing ? { kind: 'adopt', labels } : { kind: 'wait' },
    why: `${kind} ${name} is to take ${target.metadata.name} for one of its pods`,
  };
}

/** As the source had it when it was left. */
export function ownerOf(target: Pod): OwnerReference | undefined {
  const text = target.metadata.annotations?.[handOverMarks.owner];
  return text === undefined ? undefined : parseJson(ownerReferenceSchema, text, handOverMarks.owner);
}

function labelsOf(target: Pod): Record<string, string> {
  const text = target.metadata.annotations?.[handOverMarks.labels] ?? '{}';
  return parseJson(z.record(z.string(), z.string()), text, handOverMarks.labels);
}

const heldLabels = (source: Pod, target: Pod): string[] =>
  Object.keys(labelsOf(target)).filter((label) => source.metadata.labels?.[label] !== undefined);
