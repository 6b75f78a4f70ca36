/** A kind of object of the API, and where it is served. */
export interface Resource {
  /** `''`: the core group. */
  group: string;
  version: string;
  kind: string;
  plural: string;
  namespaced: boolean;
}

/** Which object of a kind. */
export interface ObjectKey {
  /** Of a namespaced kind. */
  namespace?: string | undefined;
  name: string;
}

/** Which objects of a kind. */
export interface Selection {
  /** All namespaces by default. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
}

const core = (kind: string, plural: string, namespaced = true): Resource => ({
  group: '',
  version: 'v1',
  kind,
  plural,
  namespaced,
});
const of = (group: string, version: string, kind: string, plural: string, namespaced = true): Resource => ({
  group,
  version,
  kind,
  plural,
  namespaced,
});

export const resources = {
  pods: core('Pod', 'pods'),
  nodes: core('Node', 'nodes', false),
  configMaps: core('ConfigMap', 'configmaps'),
  secrets: core('Secret', 'secrets'),
  namespaces: core('Namespace', 'namespaces', false),
  replicaSets: of('apps', 'v1', 'ReplicaSet', 'replicasets'),
  deployments: of('apps', 'v1', 'Deployment', 'deployments'),
  statefulSets: of('apps', 'v1', 'StatefulSet', 'statefulsets'),
  jobs: of('batch', 'v1', 'Job', 'jobs'),
  cronJobs: of('batch', 'v1', 'CronJob', 'cronjobs'),
  leases: of('coordination.k8s.io', 'v1', 'Lease', 'leases'),
  events: of('events.k8s.io', 'v1', 'Event', 'events'),
  mutatingWebhooks: of(
    'admissionregistration.k8s.io',
    'v1',
    'MutatingWebhookConfiguration',
    'mutatingwebhookconfigurations',
    false,
  ),
  runtimeClasses: of('node.k8s.io', 'v1', 'RuntimeClass', 'runtimeclasses', false),
  mutatingAdmissionPolicies: of(
    'admissionregistration.k8s.io',
    'v1',
    'MutatingAdmissionPolicy',
    'mutatingadmissionpolicies',
    false,
  ),
  edgeNodes: of('godwit.dev', 'v1alpha1', 'EdgeNode', 'edgenodes', false),
  migrations: of('godwit.dev', 'v1alpha1', 'Migration', 'migrations'),
} as const satisfies Record<string, Resource>;

export function apiVersionOf({ group, version }: Resource): string {
  return group === '' ? version : `${group}/${version}`;
}

/** Path of all objects of the kind, in one namespace or in all. */
export function listPath(resource: Resource, namespace?: string): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const within = resource.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${within}/${resource.plural}`;
}

/** Path of one object, or of a subresource such as `status` or `eviction`. */
export function objectPath(resource: Resource, { namespace, name }: ObjectKey, subresource?: string): string {
  const path = `${listPath(resource, namespace)}/${encodeURIComponent(name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}
