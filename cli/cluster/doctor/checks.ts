import { type Finding, fault, ok, warning } from '../../doctor/check.ts';
import { clusterProgram } from '../cluster.ts';
import { isReady, type KubeNode } from '../machine.ts';
import { conditionOf, versionsOf } from '../nodes.ts';
import { notesOf } from '../policy.ts';
import type { ClusterFacts, LeaseSeen } from './facts.ts';
import { type ImagePath, kubeletCheckpoint, runtimeOf } from './runtime.ts';

const install = "apply Godwit's manifests";

/** Everything but the lease, of which one look does not tell whether it is renewed. */
export function judgeCluster(facts: ClusterFacts): Finding[] {
  return [
    definitions(facts),
    runtimeClassFinding(facts),
    policy(facts),
    admission(facts),
    (facts.nodes ?? []).flatMap((node) => [machine(node, facts), ...edgeNode(node.metadata.name, facts)]),
    strayEdgeNodes(facts),
    workloads(facts),
  ].flat();
}

function definitions({ edgeNodes }: ClusterFacts): Finding[] {
  if (edgeNodes === undefined) return [];
  if (edgeNodes === null) return [fault('definitions', 'the cluster knows no EdgeNode and no Migration', install)];
  if (edgeNodes.length > 0) return [ok('definitions', `there, and ${edgeNodes.length} EdgeNodes`)];
  return [warning('definitions', 'there, but no EdgeNode: no pod is a workload', 'kubectl apply an EdgeNode')];
}

function runtimeClassFinding({ runtimeClass }: ClusterFacts): Finding[] {
  if (runtimeClass === undefined) return [];
  if (runtimeClass) return [ok('RuntimeClass', `godwit, handler ${runtimeClass.handler}`)];
  return [warning('RuntimeClass', 'there is no godwit: no pod can move from node to node with its memory', install)];
}

function policy({ policy: configMap }: ClusterFacts): Finding[] {
  const check = 'policy';
  if (configMap === undefined) return [];
  if (configMap === null)
    return [ok(check, 'no ConfigMap godwit-policy: what was in force stays, or the defaults are')];
  const { accepted, inForce, faults } = notesOf(configMap);
  if (accepted) return [ok(check, `${inForce ?? 'accepted'} is in force`)];
  if (accepted === undefined)
    return [warning(check, 'no controller has judged the ConfigMap godwit-policy', 'do the controllers run?')];
  const rest = faults.length > 1 ? ` and ${faults.length - 1} more` : '';
  const stays = `${inForce ?? 'what was in force'} stays in force`;
  return [warning(check, `rejected, ${stays}: ${faults[0] ?? ''}${rest}`, `${clusterProgram} policy show`)];
}

function admission({ admissionPolicies: version }: ClusterFacts): Finding[] {
  if (version === undefined) return [];
  const check = 'admission policies';
  if (version === 'v1') return [ok(check, 'MutatingAdmissionPolicy is served as v1: sidecars need no webhook')];
  const served = version ? `served as ${version} only` : 'not served';
  return [warning(check, `MutatingAdmissionPolicy is ${served}`, 'inject sidecars by the webhook, or monitor by node')];
}

/** A node's programs, and by which way pods can come to it with their memory. */
export function machine(node: KubeNode, { runtimeClass }: Pick<ClusterFacts, 'runtimeClass'>): Finding {
  const check = `node ${node.metadata.name}`;
  const { kubeletVersion, containerRuntimeVersion } = node.status.nodeInfo;
  const runtime = runtimeOf(containerRuntimeVersion);
  const programs = `kubelet ${kubeletVersion || 'unknown'}, ${containerRuntimeVersion.replace('://', ' ') || 'no runtime'}`;
  if (!isReady(node)) return warning(check, `${programs}: not ready`, `kubectl describe node ${node.metadata.name}`);
  if (!runtime) return warning(check, `${programs}: not known to Godwit`, 'use containerd 2.1.9 or newer');
  const image = imagePath(runtime, kubeletCheckpoint(kubeletVersion) ?? 'no');
  const viaRuntime = runtimeClass && runtime.name === 'containerd';
  const found = `${programs}: ${viaRuntime ? 'runtime path; ' : ''}${image.words}`;
  if (runtime.holes) return warning(check, `${found}; restore has holes`, runtime.holes);
  if (viaRuntime || image.next === undefined) return ok(check, found);
  return warning(check, found, image.next);
}

/** What the image path is like there, and what to do where it is not simply open. */
function imagePath(
  { checkpoint, restore, setting }: ImagePath,
  kubelet: ImagePath['checkpoint'],
): { words: string; next?: string } {
  const byRuntimePath = 'install the RuntimeClass godwit, with containerd';
  if (kubelet === 'no' || checkpoint === 'no') return { words: 'no image path (no checkpoint)', next: byRuntimePath };
  if (restore === 'no') return { words: 'no image path (checkpoint only)', next: byRuntimePath };
  const needs = [
    ...(kubelet === 'setting' ? ['the gate ContainerCheckpoint'] : []),
    ...(setting === undefined ? [] : [setting]),
  ].join(' and ');
  if (needs) return { words: `image path needs ${needs}`, next: `set ${needs}` };
  return { words: 'image path' };
}

function edgeNode(name: string, { edgeNodes }: ClusterFacts): Finding[] {
  if (!edgeNodes) return [];
  const check = `EdgeNode ${name}`;
  const found = edgeNodes.find(({ metadata }) => metadata.name === name);
  if (!found) return [ok(check, 'none: its pods are no workloads')];
  const { tier, site } = found.spec;
  const conditions = ['Ready', 'Monitored'].map((type) => ({ type, seen: conditionOf(found, type) }));
  const bad = conditions.find(({ seen }) => seen?.status !== 'True');
  if (!bad) return [ok(check, `${tier}, site ${site}: agent and monitor report`), programs(name, versionsOf(found))];
  if (!bad.seen) return [warning(check, 'no controller has looked at it yet', 'do the controllers run?')];
  const { reason, message } = bad.seen;
  const next =
    reason === 'PodsWithoutSidecar'
      ? 'kubectl rollout restart of what they belong to, in namespaces with godwit.dev/inject=enabled; or monitoring: node'
      : `kubectl get pods --namespace godwit-system --field-selector spec.nodeName=${name}`;
  return [warning(check, `${bad.type} is ${bad.seen.status} (${reason}): ${message}`, next)];
}

/** runc, CRIU and kernel, and godwit-image where pods may move as images, as the node's agent found them. */
function programs(name: string, versions: string): Finding {
  const check = `programs of ${name}`;
  if (!versions) return warning(check, 'the controllers tell nothing of them', 'are they of another version?');
  const missing = /(\S+) missing/.exec(versions)?.[1];
  if (missing) return fault(check, `${missing} is missing (${versions})`, `install ${missing} on ${name}`);
  return ok(check, versions);
}

function strayEdgeNodes({ nodes, edgeNodes }: ClusterFacts): Finding[] {
  const names = new Set(nodes?.map(({ metadata }) => metadata.name));
  const stray = nodes && edgeNodes?.filter(({ metadata }) => !names.has(metadata.name));
  return (stray ?? []).map(({ metadata: { name } }) =>
    warning(`EdgeNode ${name}`, 'the cluster has no node of this name', `kubectl delete edgenode ${name}`),
  );
}

function workloads({ survey }: ClusterFacts): Finding[] {
  if (!survey) return [];
  const wrong = survey.faults.map(({ pod: { metadata }, fault }) =>
    warning(`workload ${metadata.namespace}/${metadata.name}`, fault, 'correct the annotation'),
  );
  const judged = survey.workloads.map(({ namespace, pod, obstacle, migrate, strategy }) => {
    const check = `workload ${namespace}/${pod}`;
    if (obstacle === undefined)
      return ok(check, migrate ? `can move, strategy ${strategy}` : `can move on request, strategy ${strategy}`);
    return warning(check, `can not move: ${obstacle}`, 'remove the obstacle, or leave it where it is');
  });
  return [...judged, ...wrong];
}

/** Of the controllers' Lease: `renewed` says whether it was seen to be. */
export function controllers(lease: LeaseSeen | null | undefined, renewed: boolean): Finding[] {
  const check = 'controllers';
  if (lease === undefined) return [];
  if (lease === null) return [fault(check, 'none has ever led here', install)];
  const { holderIdentity: holder, leaseTransitions, renewTime } = lease;
  if (!holder) return [fault(check, 'none leads: the Lease is free', 'kubectl get pods --namespace godwit-system')];
  if (renewed) return [ok(check, `${holder} leads, epoch ${leaseTransitions + 1}`)];
  const silent = `${holder} has not renewed the Lease since ${renewTime || 'ever'}`;
  return [fault(check, silent, 'kubectl get pods --namespace godwit-system')];
}
