import { stringify } from 'yaml';
import type { Component } from './component.ts';
import { etc, pairs } from './control-plane.ts';
import type { Image } from './images.ts';
import { dnsService, podNetwork, registry, type Worker } from './plan.ts';

const containerdSocket = '/run/containerd/containerd.sock';
/** Where the nodes have the OCI runtime of pods that can move. */
export const runtimeProgram = '/usr/local/bin/godwit-runtime';
const mebibyte = 2 ** 20;

/** Keeps a pod's namespaces. */
export const pauseImage: Image = {
  name: 'pause:1',
  files: { '/usr/bin/catatonit': '/catatonit' },
  entrypoint: ['/catatonit', '-P'],
};

/** On every node but the hub, in the order of starting. */
export function workerComponents({ name, address, tier, site }: Worker): Component[] {
  return [
    { name: 'containerd', argv: ['containerd'], ready: { socket: containerdSocket } },
    {
      name: 'kubelet',
      argv: [
        'kubelet',
        `--config=${etc}/kubelet.yaml`,
        `--kubeconfig=${etc}/node-${name}.kubeconfig`,
        `--hostname-override=${name}`,
        `--node-ip=${address}`,
        `--node-labels=godwit.dev/tier=${tier},godwit.dev/site=${site}`,
      ],
      ready: { scheme: 'http', port: 10248, path: '/healthz' },
    },
    {
      name: 'kube-proxy',
      argv: [
        'kube-proxy',
        `--kubeconfig=${etc}/proxy.kubeconfig`,
        `--hostname-override=${name}`,
        '--proxy-mode=nftables',
        `--cluster-cidr=${podNetwork}`,
        // limits of connection tracking belong to the machine; 0 leaves them alone
        '--conntrack-max-per-core=0',
        '--conntrack-min=0',
        '--conntrack-tcp-timeout-established=0',
        '--conntrack-tcp-timeout-close-wait=0',
      ],
      ready: { scheme: 'http', port: 10256, path: '/healthz' },
    },
  ];
}

/** Cores, and bytes of memory, of the machine: what a kubelet sees, whatever the limits of its node. */
export interface Machine {
  cores: number;
  memoryBytes: number;
}

/** By path in the node. */
export function workerFiles(worker: Worker, machine: Machine): Record<string, string> {
  return {
    '/etc/containerd/config.toml': containerdConfig,
    '/etc/cni/net.d/10-lab.conflist': JSON.stringify(podNetworkConfig(worker), null, 2),
    [`${etc}/kubelet.yaml`]: stringify(kubeletConfig(worker, machine)),
  };
}

/** Files of the cluster's folder on this machine that the node needs, and the users of its kubeconfigs. */
export function workerSecrets({ name }: Worker): { files: string[]; users: string[] } {
  return { files: ['ca.crt', ...pairs(`node-${name}`)], users: [`node-${name}`, 'proxy'] };
}

const containerdConfig = `version = 3
imports = ["/etc/containerd/conf.d/*.toml"]
[plugins."io.containerd.cri.v1.images"]
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "${registry}/${pauseImage.name}"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true # lowering it needs CAP_SYS_RESOURCE
  disable_apparmor = true
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["/usr/lib/cni"]
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.godwit]
    runtime_type = "io.containerd.runc.v2"
    pod_annotations = ["godwit.dev/*"]
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.godwit.options]
      BinaryName = "${runtimeProgram}"
`;

/** File of the agent's token, in each node. */
export const checkpointToken = `${etc}/checkpoint.token`;

/** What makes a node's agent one of pods: part of its node.yaml. */
export const podEngine = {
  engine: 'kubernetes',
  runcRoot: '/run/containerd/runc/k8s.io',
  imagePath: { token: checkpointToken, kubeletCertificate: `${etc}/ca.crt` },
};

/** Repository for the checkpoints of pods without RuntimeClass godwit. */
export const checkpoints = `${registry}/godwit/checkpoints`;

function podNetworkConfig({ podCidr }: Worker): object {
  const ipam = { type: 'host-local', ranges: [[{ subnet: podCidr }]], routes: [{ dst: '0.0.0.0/0' }] };
  return { cniVersion: '1.0.0', name: 'lab', plugins: [{ type: 'ptp', ipMasq: false, ipam }] };
}

/**
 * The kubelet takes the machine's cores and memory for the node's. What the node does not have is reserved, so that what can
 * be allocated is what it has, less the memory below which pods are evicted.
 */
function kubeletConfig({ name, cores, memoryBytes }: Worker, machine: Machine): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: `${etc}/ca.crt` },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: `${etc}/node-${name}.crt`,
    tlsPrivateKeyFile: `${etc}/node-${name}.key`,
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    healthzBindAddress: '0.0.0.0',
    systemReserved: {
      cpu: `${Math.max(0, Math.round((machine.cores - cores) * 1000))}m`,
      memory: `${Math.max(0, Math.floor((machine.memoryBytes - memoryBytes) / mebibyte))}Mi`,
    },
    evictionHard: { 'memory.available': '100Mi' },
    cgroupDriver: 'cgroupfs',
    cgroupRoot: '/',
    failCgroupV1: false,
    failSwapOn: false,
    oomScoreAdj: 0, // lowering it needs CAP_SYS_RESOURCE
    makeIPTablesUtilChains: false,
    protectKernelDefaults: true, // it would change sysctls of the machine
    seccompDefault: true,
    clusterDNS: [dnsService],
    clusterDomain: 'cluster.local',
    resolvConf: '/etc/resolv.conf',
    nodeStatusUpdateFrequency: '5s',
  };
}
