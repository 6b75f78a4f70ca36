import { monitorContainer } from '../../lib/contract/pod.ts';

/** The user of sidecars; the node's monitor hands out what they need to this group. */
const nonRoot = 65_532;

/** Where the container sees the node's cgroups, and what the node's monitor hands out. */
const places = { cgroup: '/host/cgroup', handedOut: '/run/godwit/sidecar' } as const;

/** Volumes of the pod that the sidecar needs: folders of the node, which it can only read. */
export const sidecarVolumes = [
  { name: 'godwit-cgroup', hostPath: { path: '/sys/fs/cgroup', type: 'Directory' } },
  // made empty where no monitor asks for sidecars, so that the pod starts all the same
  { name: 'godwit-node', hostPath: { path: places.handedOut, type: 'DirectoryOrCreate' } },
] as const;

const fieldEnv = (name: string, fieldPath: string): object => ({ name, valueFrom: { fieldRef: { fieldPath } } });

/** The native sidecar; manifests/injection/policy says the same in CEL. */
export const sidecarOf = (image: string): object => ({
  name: monitorContainer,
  image,
  imagePullPolicy: 'IfNotPresent',
  restartPolicy: 'Always',
  args: ['/opt/godwit/monitor/sidecar/main.ts', '--folder', places.handedOut, '--cgroup', places.cgroup],
  env: [
    fieldEnv('GODWIT_POD_UID', 'metadata.uid'),
    fieldEnv('GODWIT_POD_NAME', 'metadata.name'),
    fieldEnv('GODWIT_POD_NAMESPACE', 'metadata.namespace'),
    fieldEnv('GODWIT_WORKLOAD', "metadata.annotations['godwit.dev/workload']"),
    // read only, made with the image: without it the process needs twice the memory
    { name: 'NODE_COMPILE_CACHE', value: '/opt/godwit/compile-cache' },
  ],
  resources: { requests: { cpu: '5m', memory: '48Mi' }, limits: { memory: '128Mi' } },
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    readOnlyRootFilesystem: true,
    runAsGroup: nonRoot,
    runAsNonRoot: true,
    runAsUser: nonRoot,
    seccompProfile: { type: 'RuntimeDefault' },
  },
  volumeMounts: [
    // v1 has a mount a controller below the folder: those too
    { name: 'godwit-cgroup', mountPath: places.cgroup, readOnly: true, recursiveReadOnly: 'IfPossible' },
    { name: 'godwit-node', mountPath: places.handedOut, readOnly: true },
    // where the API server would else mount the pod's token, which is none of the sidecar's business
    { name: 'godwit-node', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true },
  ],
});
