import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { resources } from '../k8s/resource.ts';
import { labDown, labExec } from '../lab/lab.ts';
import { bareEngine } from './pods/bare-engine.ts';
import { controllersCost, countRequests } from './pods/controllers.ts';
import { imagePath, runtimePath } from './pods/our-paths.ts';
import type { Path } from './pods/path.ts';
import { plainPipeline } from './pods/plain-pipeline.ts';
import { type Round, ratiosOf, spreadsOf } from './pods/report.ts';
import { labsOf, raiseStage, type Stage } from './pods/stage.ts';
import { describeMachine } from './shared/machine.ts';

// A pod comes to another node in different ways, in turn, within one run; beside them the same program between nodes without Kubernetes. And
// what the controllers of the cluster cost meanwhile.
const { values } = parseArgs({
  options: {
    bundles: { type: 'string', default: `${process.env.GODWIT_CACHE ?? '/var/cache/godwit'}/bundles` },
    sizes: { type: 'string', default: '64,256,1024' },
    rounds: { type: 'string', default: '5' },
    paths: { type: 'string', default: '' },
    out: { type: 'string', default: join(import.meta.dirname, 'results/pods.json') },
  },
});
const name = `bench-${process.pid}`;
const rounds = Number(values.rounds);

const pathsOf = ({ cluster, bare, log }: Stage): Path[] => [
  runtimePath(cluster),
  bareEngine(bare, log),
  imagePath(cluster),
  plainPipeline(cluster),
];

try {
  const stage = await raiseStage(name, values.bundles);
  await countRequests(stage.cluster);
  await makeEdgeNodes(stage);
  const wanted = values.paths.split(',').filter(Boolean);
  const paths = pathsOf(stage).filter((path) => wanted.length === 0 || wanted.includes(path.name));
  const machine = describeMachine(await versions(stage.cluster.lab));
  const results = [];
  for (const mib of values.sizes.split(',').map(Number)) {
    const measured = await measure(paths, mib);
    results.push({ mib, ...spreadsOf(measured), ratios: ratiosOf(measured) });
    console.error(JSON.stringify(results.at(-1)));
    // a larger size may fail, or take too long
    await save({ machine, rounds, results });
  }
  const controllers = await controllersCost(stage.cluster);
  console.error(JSON.stringify(controllers));
  await save({ machine, rounds, results, controllers });
} finally {
  for (const lab of Object.values(labsOf(name))) await labDown(lab);
}
process.exit();

async function measure(paths: readonly Path[], mib: number): Promise<Round[]> {
  for (const path of paths) await path.start(mib);
  const measured: Round[] = [];
  // the first round warms up: memory and folders that the machine has never touched
  for (let round = 0; round <= rounds; round += 1) {
    const found: Round = {};
    for (const index of paths.keys()) {
      // each comes first in turn, and before and after each of its neighbours
      const turn = round % 2 === 0 ? index : paths.length - 1 - index;
      const path = paths[(turn + round) % paths.length] as Path;
      found[path.name] = await path.move();
      console.error(`${mib} MiB, round ${round}: ${path.name} ${JSON.stringify(found[path.name])}`);
    }
    if (round > 0) measured.push(found);
  }
  for (const path of paths) await path.stop();
  return measured;
}

async function save(found: object): Promise<void> {
  await mkdir(join(values.out, '..'), { recursive: true });
  await writeFile(values.out, `${JSON.stringify(found, null, 2)}\n`);
}

async function makeEdgeNodes({ cluster: { client, node } }: Stage): Promise<void> {
  for (const where of ['edge-1', 'cloud-1']) {
    const { kind: tier, site } = node(where);
    const edgeNode = { metadata: { name: where }, spec: { tier, site } };
    await client.create(resources.edgeNodes, edgeNode);
  }
}

async function versions(lab: string): Promise<Record<string, string>> {
  const read = async (tool: string, pattern: RegExp): Promise<string> =>
    pattern.exec((await labExec(lab, 'edge-1', [tool, '--version'])).stdout)?.[1] ?? 'unknown';
  return {
    criu: await read('criu', /Version: (\S+)/),
    runc: await read('runc', /runc version (\S+)/),
    containerd: await read('containerd', /containerd \S+ (\S+)/),
    kubernetes: await read('kubelet', /Kubernetes (\S+)/),
    buildah: await read('buildah', /buildah version (\S+)/),
  };
}
