import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { bytesSchema, coresSchema, nameSchema, tierSchema } from './contract/names.ts';
import { GodwitError } from './errors.ts';
import { parseAs } from './parse.ts';

const portSchema = z.number().int().min(1).max(65535);
const listenSchema = z.strictObject({ host: z.string().default('0.0.0.0'), port: portSchema });

/** `node.yaml`: one machine with a monitor and a migrator. Paths are relative to the file. */
export const nodeConfigSchema = z.strictObject({
  name: nameSchema,
  site: nameSchema,
  tier: tierSchema,
  /** IPv4 address at which the other nodes reach this one. */
  address: z.ipv4(),
  nats: z.strictObject({
    /** Client URLs of the node's own server: the site's leaf, or the hub for a node beside it. */
    servers: z.array(z.string()).min(1),
    /** Present on the one node of a site that runs the leaf server. */
    leaf: z
      .strictObject({
        listen: listenSchema.default({ host: '0.0.0.0', port: 4222 }),
        /** IPv4 address at which the site's nodes reach it, where that is not the node's: of a Service in a cluster. */
        address: z.ipv4().optional(),
        /** Leaf URL of the hub, such as tls://192.0.2.1:7422. */
        hub: z.string(),
      })
      .optional(),
  }),
  /** What the node offers; by default what its cgroup or its hardware allows. */
  capacity: z.strictObject({ cores: coresSchema.optional(), memoryBytes: bytesSchema.optional() }).default({}),
  /** Bytes per second that the site's uplink carries. */
  uplinkBytesPerSecond: z.number().positive().optional(),
  /** Folder with ca.crt and this node's certificates. */
  pki: z.string().default('.'),
  data: z
    .strictObject({
      port: portSchema.default(7433),
      pagesPorts: z.tuple([portSchema, portSchema]).default([27000, 27099]),
      /** Folder that the nodes share by other means, such as NFS. Between two that have one checkpoints go through it. */
      shared: z.string().optional(),
    })
    .default({ port: 7433, pagesPorts: [27000, 27099] }),
  network: z
    .strictObject({
      /** Interface towards the clients of workloads that have an address of their own. */
      device: z.string().default('eth0'),
      /** `neighbour`: gratuitous ARP on that interface. `command`: `command take|drop ADDRESS DEVICE` is run. */
      mode: z.enum(['neighbour', 'command']).default('neighbour'),
      command: z.string().optional(),
    })
    .default({ device: 'eth0', mode: 'neighbour' }),
  monitor: z
    .strictObject({
      intervalMs: z.number().int().min(100).default(10_000),
      /** In a cluster, who samples the pods: the node's monitor, or a sidecar in each of them. */
      mode: z.enum(['node', 'sidecar']).default('node'),
    })
    .default({ intervalMs: 10_000, mode: 'node' }),
  migrator: z
    .strictObject({
      /** Prometheus metrics on 127.0.0.1; without it there are none. */
      metricsPort: portSchema.optional(),
    })
    .default({}),
  /** Present where pods may move as images, without a runtime of ours; what runc reads below /etc/criu is then Godwit's. */
  imagePath: z
    .strictObject({
      /** File of a token that may create `nodes/checkpoint` of this node. */
      token: z.string(),
      /** File of the certificate with which the kubelet serves, or of its authority. */
      kubeletCertificate: z.string().default('/var/lib/kubelet/pki/kubelet.crt'),
      kubeletPort: portSchema.default(10250),
    })
    .optional(),
  stateDir: z.string().default('/var/lib/godwit'),
  runDir: z.string().default('/run/godwit'),
  /** `kubernetes`: the workloads are pods, and runcRoot is containerd's, /run/containerd/runc/k8s.io. */
  engine: z.enum(['runc', 'kubernetes']).default('runc'),
  runcRoot: z.string().default('/run/runc'),
});
export type NodeConfig = z.infer<typeof nodeConfigSchema>;

/** `hub.yaml`: the machine with the hub's NATS server and the decider. */
export const hubConfigSchema = z.strictObject({
  address: z.ipv4(),
  nats: z
    .strictObject({
      listen: listenSchema.default({ host: '0.0.0.0', port: 4222 }),
      leafListen: listenSchema.default({ host: '0.0.0.0', port: 7422 }),
    })
    .default({ listen: { host: '0.0.0.0', port: 4222 }, leafListen: { host: '0.0.0.0', port: 7422 } }),
  pki: z.string().default('.'),
  /** Policy file; without one the built-in defaults are in force. */
  policy: z.string().optional(),
  decider: z
    .strictObject({
      /** A standby takes over when the leader has been silent for this long. */
      leaseMs: z.number().int().min(500).default(5000),
      /** Present where the workloads are pods: what is decided becomes a Migration object there. */
      kubernetes: z
        .strictObject({
          /** File; by default the account of the pod in which the decider runs. */
          kubeconfig: z.string().optional(),
        })
        .optional(),
      /** Prometheus metrics on 127.0.0.1; without it there are none. */
      metricsPort: portSchema.optional(),
    })
    .default({ leaseMs: 5000 }),
  /** File of the controllers of a cluster, controller.yaml, to run them here as well. */
  controllers: z.string().optional(),
  /** Apart from those of a node, which may run beside the hub. */
  stateDir: z.string().default('/var/lib/godwit/hub'),
  runDir: z.string().default('/run/godwit/hub'),
});
export type HubConfig = z.infer<typeof hubConfigSchema>;

/** JetStream domain of the hub; an edge site's domain is its name, encoded as a subject token. */
export const hubDomain = 'hub';

export const loadNodeConfig = (path: string): Promise<NodeConfig> => loadConfig(path, nodeConfigSchema);
export const loadHubConfig = (path: string): Promise<HubConfig> => loadConfig(path, hubConfigSchema);

async function loadConfig<T extends { pki: string }>(path: string, schema: z.ZodType<T>): Promise<T> {
  const config = parseAs(schema, await readYaml(path), path, 'E_CONFIG');
  return { ...config, pki: resolve(dirname(path), config.pki) };
}

/** Reads a YAML file; a syntax fault is reported with its line and column. */
export async function readYaml(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new GodwitError('E_CONFIG', `${path} can not be read`, { cause: error });
  }
  try {
    return parse(text);
  } catch (error) {
    throw new GodwitError('E_CONFIG', `${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** File names inside a node's PKI folder; `who` is the NATS user's role. */
export function tlsFiles(pki: string, who: string): { ca: string; cert: string; key: string } {
  return { ca: resolve(pki, 'ca.crt'), cert: resolve(pki, `${who}.crt`), key: resolve(pki, `${who}.key`) };
}
