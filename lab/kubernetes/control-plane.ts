import { stringify } from 'yaml';
import type { Component } from './component.ts';
import { apiPort, type ClusterPlan, registryPort, serviceNetwork } from './plan.ts';

/** Where a node keeps what the cluster gives it, and what has to survive the node's death. */
export const etc = '/etc/kubernetes';
export const data = '/var/lib/godwit/kubernetes';

const etcdPort = 2379;
const etcdMetricsPort = 2381;

/** On the hub, in the order of starting: each needs those before it. */
export function controlPlane({ hub }: ClusterPlan): Component[] {
  return [etcd(), apiServer(hub.address), controllerManager(), scheduler()];
}

// Nothing here has to survive a power cut, so etcd need not wait for the disk.
function etcd(): Component {
  const clients = `http://127.0.0.1:${etcdPort}`;
  return {
    name: 'etcd',
    argv: [
      'etcd',
      `--data-dir=${data}/etcd`,
      '--unsafe-no-fsync',
      `--listen-client-urls=${clients}`,
      `--advertise-client-urls=${clients}`,
      '--listen-peer-urls=http://127.0.0.1:2380',
      `--listen-metrics-urls=http://0.0.0.0:${etcdMetricsPort}`,
    ],
    ready: { scheme: 'http', port: etcdMetricsPort, path: '/readyz' },
  };
}

function apiServer(address: string): Component {
  return {
    name: 'kube-apiserver',
    argv: [
      'kube-apiserver',
      `--etcd-servers=http://127.0.0.1:${etcdPort}`,
      `--advertise-address=${address}`,
      `--secure-port=${apiPort}`,
      ...servingAs('apiserver'),
      `--client-ca-file=${etc}/ca.crt`,
      `--kubelet-client-certificate=${etc}/kubelet-client.crt`,
      `--kubelet-client-key=${etc}/kubelet-client.key`,
      `--kubelet-certificate-authority=${etc}/ca.crt`,
      `--service-account-key-file=${etc}/accounts.pub`,
      `--service-account-signing-key-file=${etc}/accounts.key`,
      '--service-account-issuer=https://kubernetes.default.svc',
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      // the hub has no kube-proxy: a webhook's service is reached by its endpoints
      '--enable-aggregator-routing=true',
      `--service-cluster-ip-range=${serviceNetwork}`,
      '--allow-privileged=true',
    ],
    ready: { scheme: 'https', port: apiPort, path: '/readyz' },
  };
}

function controllerManager(): Component {
  return {
    name: 'kube-controller-manager',
    argv: [
      'kube-controller-manager',
      `--kubeconfig=${etc}/controller-manager.kubeconfig`,
      `--root-ca-file=${etc}/ca.crt`,
      `--service-account-private-key-file=${etc}/accounts.key`,
      `--cluster-signing-cert-file=${etc}/ca.crt`,
      `--cluster-signing-key-file=${etc}/ca.key`,
      ...servingAs('controller-manager'),
      '--use-service-account-credentials',
      '--leader-elect=false',
      // a node that is cut off is seen to be so in less than half a minute
      '--node-monitor-grace-period=20s',
    ],
    ready: { scheme: 'https', port: 10257, path: '/healthz' },
  };
}

function scheduler(): Component {
  return {
    name: 'kube-scheduler',
    argv: [
      'kube-scheduler',
      `--kubeconfig=${etc}/scheduler.kubeconfig`,
      ...servingAs('scheduler'),
      '--leader-elect=false',
    ],
    ready: { scheme: 'https', port: 10259, path: '/healthz' },
  };
}

function servingAs(name: string): string[] {
  return [`--tls-cert-file=${etc}/${name}.crt`, `--tls-private-key-file=${etc}/${name}.key`];
}

export const registryComponent: Component = {
  name: 'registry',
  argv: ['docker-registry', 'serve', `${etc}/registry.yaml`],
  ready: { scheme: 'https', port: registryPort, path: '/v2/' },
};

/** By path in the hub. */
export const registryFiles: Readonly<Record<string, string>> = {
  [`${etc}/registry.yaml`]: stringify({
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: `${data}/registry` }, delete: { enabled: true } },
    http: {
      addr: `:${registryPort}`,
      tls: { certificate: `${etc}/registry.crt`, key: `${etc}/registry.key` },
    },
  }),
};

/** Files of the cluster's folder on this machine that the hub needs, and the users of its kubeconfigs. */
export const hubSecrets = {
  files: [
    ...['ca.crt', 'ca.key', 'accounts.key', 'accounts.pub'],
    ...pairs('apiserver', 'kubelet-client', 'controller-manager', 'scheduler', 'registry'),
  ],
  users: ['controller-manager', 'scheduler', 'admin', 'controllers'],
};

export function pairs(...names: string[]): string[] {
  return names.flatMap((name) => [`${name}.crt`, `${name}.key`]);
}
