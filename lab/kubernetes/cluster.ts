import { readFile, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { labUp } from '../lab.ts';
import { withLock } from '../lock.ts';
import { type LabSettings, labSettings } from '../settings.ts';
import { type LabSpec, type LabSpecInput, parseLabSpec } from '../spec.ts';
import type { LabStatus } from '../status.ts';
import { issueAll, kubeconfig, type OpenAuthority } from './certificates.ts';
import { type Component, ensureComponent } from './component.ts';
import { controlPlane, hubSecrets, registryComponent, registryFiles } from './control-plane.ts';
import { dnsImage } from './dns.ts';
import { ensureImage } from './images.ts';
import { prepareNode } from './node.ts';
import { settleNodes, startDns } from './objects.ts';
import { type ClusterPlan, type Place, planCluster, registryName } from './plan.ts';
import { inNode, kubernetesPackages, programs, requireProgram } from './software.ts';
import { clusterDir, kubeconfigPath } from './status.ts';
import { pauseImage, runtimeProgram, workerComponents, workerFiles, workerSecrets } from './worker.ts';

export interface Cluster {
  lab: LabStatus;
  /** File on this machine: what KUBECONFIG takes. */
  kubeconfig: string;
  /** What to type on this machine for kubectl. */
  kubectl: string;
}

/** The lab with what a cluster needs of its nodes. @throws E_CONFIG, E_SETUP when Kubernetes is not built */
export async function clusterSpec(spec: LabSpecInput, given: Partial<LabSettings> = {}): Promise<LabSpec> {
  const parsed = parseLabSpec(spec);
  const settings = labSettings(given);
  const built = await Promise.all(
    programs.map(async (name) => ({ source: (await requireProgram(settings, name)).path, target: inNode(name) })),
  );
  const binds = [...built, { source: join(settings.checkout, '.cache/bin/godwit-runtime'), target: runtimeProgram }];
  const others = parsed.binds.filter(({ target }) => !binds.some((bind) => bind.target === target));
  const hub = parsed.nodes.find(({ kind }) => kind === 'hub');
  return parseLabSpec({
    ...parsed,
    binds: [...others, ...binds],
    packages: [...new Set([...parsed.packages, ...kubernetesPackages])],
    aliases: { ...parsed.aliases, ...(hub && { [registryName]: hub.name }) },
  });
}

/**
 * Raises the lab and a Kubernetes cluster in it, or repairs both: control plane and registry on the hub, a kubelet on each
 * other node. Returns when all nodes are ready. @throws E_CONFIG, E_SETUP, E_LAB
 */
export async function clusterUp(
  spec: LabSpecInput,
  authority: OpenAuthority,
  given: Partial<LabSettings> = {},
): Promise<Cluster> {
  const settings = labSettings(given);
  const lab = await labUp(await clusterSpec(spec, given), given);
  const plan = planCluster(lab.name, lab.nodes);
  await withLock(`kubernetes:${lab.name}`, () => raise(settings, plan, authority));
  return {
    lab,
    kubeconfig: kubeconfigPath(settings, lab.name),
    kubectl: `${(await requireProgram(settings, 'kube')).path} kubectl`,
  };
}

async function raise(settings: LabSettings, plan: ClusterPlan, authority: OpenAuthority): Promise<void> {
  const folder = clusterDir(settings, plan.lab);
  await issueAll(folder, plan, authority);
  const admin = stringify(await kubeconfig(folder, plan.api, 'admin'));
  await writeFile(kubeconfigPath(settings, plan.lab), admin, { mode: 0o600 });
  await prepareNodes(settings, plan, folder);
  const ca = await readFile(join(folder, 'ca.crt'), 'utf8');
  const { key: dnsKey } = await requireProgram(settings, 'coredns');
  const began = performance.now();
  const say = (what: string): void =>
    settings.onProgress(`${what}: after ${((performance.now() - began) / 1000).toFixed(1)} s`);

  const run = (node: Place) => (component: Component) => ensureComponent(settings, plan.lab, node, component, ca);
  const startNodes = async (): Promise<void> => {
    await inOrder(controlPlane(plan), run(plan.hub));
    say('API ready');
    await Promise.all(plan.workers.map((worker) => inOrder(workerComponents(worker), run(worker))));
    await settleNodes(settings, plan);
    say('nodes Ready');
  };
  await Promise.all([startNodes(), startRegistry(settings, plan, run(plan.hub), dnsKey)]);
  await startDns(settings, plan, dnsKey);
  say('name service ready');
}

async function prepareNodes(settings: LabSettings, plan: ClusterPlan, folder: string): Promise<void> {
  const machine = { cores: cpus().length, memoryBytes: totalmem() };
  const hub = { node: plan.hub, files: registryFiles, secrets: hubSecrets };
  const workers = plan.workers.map((worker) => {
    return { node: worker, files: workerFiles(worker, machine), secrets: workerSecrets(worker) };
  });
  for (const { node, ...content } of [hub, ...workers]) await prepareNode(settings, plan, node, folder, content);
}

async function inOrder<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (const item of items) await work(item);
}

/** Returns when the registry has the images that the cluster itself needs. */
async function startRegistry(
  settings: LabSettings,
  { lab, hub }: ClusterPlan,
  run: (component: Component) => Promise<void>,
  dnsKey: string,
): Promise<void> {
  await run(registryComponent);
  for (const image of [pauseImage, dnsImage(dnsKey)]) await ensureImage(settings, lab, hub.name, image);
}
