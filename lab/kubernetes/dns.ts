import type { Image } from './images.ts';
import { dnsService, registry } from './plan.ts';
import { inNode } from './software.ts';

/** `key`: of what CoreDNS was built from. */
export const dnsImage = (key: string): Image => ({
  name: `coredns:${key}`,
  files: { [inNode('coredns')]: '/coredns' },
  entrypoint: ['/coredns', '-conf', '/etc/coredns/Corefile'],
});

// Pods know services and, by /etc/hosts of their node, the nodes of the lab. There is nobody to ask about anything else.
const corefile = `.:5353 {
  errors
  ready :8181
  hosts /etc/node-hosts {
    fallthrough
  }
  kubernetes cluster.local in-addr.arpa {
    ttl 5
  }
  cache 5
  reload
}
`;

const metadata = { name: 'coredns', namespace: 'kube-system' };
const labels = { 'k8s-app': 'kube-dns' };

/** On every node, and asked by the pods of the node alone: a site that is cut off still resolves. */
export function dnsObjects(key: string): object[] {
  const rbac = 'rbac.authorization.k8s.io';
  const reads = ['list', 'watch'];
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRole',
      metadata: { name: 'coredns' },
      rules: [
        { apiGroups: [''], resources: ['services', 'namespaces'], verbs: reads },
        { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: reads },
      ],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name: 'coredns' },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'coredns' },
      subjects: [{ kind: 'ServiceAccount', ...metadata }],
    },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { Corefile: corefile } },
    { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata, spec: daemonSet(key) },
    { apiVersion: 'v1', kind: 'Service', metadata: { ...metadata, name: 'kube-dns' }, spec: service },
  ];
}

const service = {
  clusterIP: dnsService,
  selector: labels,
  internalTrafficPolicy: 'Local',
  ports: ['UDP', 'TCP'].map((protocol) => ({ name: protocol.toLowerCase(), port: 53, targetPort: 5353, protocol })),
};

const daemonSet = (key: string): object => ({
  selector: { matchLabels: labels },
  template: {
    metadata: { labels },
    spec: {
      serviceAccountName: metadata.name,
      dnsPolicy: 'Default',
      terminationGracePeriodSeconds: 1,
      tolerations: [{ operator: 'Exists' }],
      containers: [container(`${registry}/${dnsImage(key).name}`)],
      volumes: [
        { name: 'conf', configMap: { name: metadata.name } },
        { name: 'hosts', hostPath: { path: '/etc/hosts', type: 'File' } },
      ],
    },
  },
});

const container = (image: string): object => ({
  name: 'coredns',
  image,
  securityContext: {
    runAsUser: 65532,
    runAsGroup: 65532,
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
  },
  resources: { limits: { memory: '170Mi' }, requests: { memory: '20Mi' } },
  readinessProbe: { httpGet: { path: '/ready', port: 8181 }, periodSeconds: 1 },
  volumeMounts: [
    { name: 'conf', mountPath: '/etc/coredns' },
    { name: 'hosts', mountPath: '/etc/node-hosts', readOnly: true },
  ],
});
