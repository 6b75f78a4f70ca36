import type { KubeNode } from '../../k8s/objects/node.ts';
import { isTrue, type Pod } from '../../k8s/objects/pod.ts';

/** Why the pod can not go to that node, in one sentence. */
export function nodeObstacle(pod: Pod, name: string, node: KubeNode | undefined): string | undefined {
  if (!node) return `the cluster has no node ${name}`;
  if (!isTrue(node, 'Ready')) return `node ${name} is not Ready`;
  if (node.spec?.unschedulable) return `node ${name} is cordoned`;
  const labels = { ...node.metadata.labels, 'metadata.name': name };
  return selectorObstacle(pod, name, labels) ?? taintObstacle(pod, name, node);
}

type Labels = Readonly<Record<string, string>>;

function selectorObstacle({ spec }: Pod, name: string, labels: Labels): string | undefined {
  const unmet = Object.entries(spec.nodeSelector ?? {}).find(([key, value]) => labels[key] !== value);
  if (unmet) return `the pod's nodeSelector asks for ${unmet.join('=')}, which node ${name} does not have`;
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (
    terms &&
    !terms.some((term) =>
      [...(term.matchExpressions ?? []), ...(term.matchFields ?? [])].every((one) => meets(labels, one)),
    )
  )
    return `the pod's node affinity does not allow node ${name}`;
  return undefined;
}

/** Operators of `NodeSelectorRequirement`; an unknown one is met by no node. */
function meets(
  labels: Labels,
  { key, operator, values = [] }: { key: string; operator: string; values?: string[] | undefined },
): boolean {
  const label = labels[key];
  switch (operator) {
    case 'In':
      return label !== undefined && values.includes(label);
    case 'NotIn':
      return label === undefined || !values.includes(label);
    case 'Exists':
      return label !== undefined;
    case 'DoesNotExist':
      return label === undefined;
    case 'Gt':
      return label !== undefined && Number(label) > Number(values[0]);
    case 'Lt':
      return label !== undefined && Number(label) < Number(values[0]);
    default:
      return false;
  }
}

function taintObstacle({ spec }: Pod, name: string, node: KubeNode): string | undefined {
  const tolerated = (key: string, value: string, effect: string): boolean =>
    (spec.tolerations ?? []).some(
      (one) =>
        (!one.effect || one.effect === effect) &&
        (!one.key || one.key === key) &&
        (one.operator === 'Exists' || (one.key !== undefined && (one.value ?? '') === value)),
    );
  const taint = (node.spec?.taints ?? []).find(
    ({ key, value, effect }) => effect !== 'PreferNoSchedule' && !tolerated(key, value ?? '', effect),
  );
  return taint && `the pod does not tolerate the taint ${taint.key}:${taint.effect} of node ${name}`;
}
