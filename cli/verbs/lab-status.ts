import { clusterStatus } from '../../lab/kubernetes/status.ts';
import { labStatusAll } from '../../lab/lab.ts';
import type { LabStatus } from '../../lab/status.ts';
import { exitCodes } from '../exit.ts';
import { parseFlags } from '../flags.ts';
import type { Verb } from '../io.ts';
import { bytes, type Kind, outputFlags, print } from '../output.ts';

type Link = LabStatus['links'][string];
type Row = LabStatus['nodes'][number] & {
  lab: string;
  link?: Link;
  uplink?: Link;
  /** Parts of the cluster that should run on the node and do not; absent where there is no cluster. */
  kubernetes?: { stopped: string[]; kubeconfig: string };
};

const labNodes: Kind<Row> = {
  kind: 'lab-node',
  name: (row) => `${row.lab}/${row.name}`,
  columns: [
    { header: 'LAB', value: (row) => row.lab },
    { header: 'NODE', value: (row) => row.name },
    { header: 'STATUS', value: (row) => (row.running ? 'Running' : 'Stopped') },
    { header: 'KIND', value: (row) => row.kind },
    { header: 'SITE', value: (row) => row.site },
    { header: 'ADDRESS', value: (row) => row.address },
    { header: 'CORES', value: (row) => row.cores },
    { header: 'MEMORY', value: (row) => bytes(row.memoryBytes) },
    { header: 'LINK', value: (row) => linkText(row.link) },
    { header: 'UPLINK', value: (row) => linkText(row.uplink) },
    { header: 'KUBERNETES', value: (row) => clusterText(row.kubernetes) },
    { header: 'PID', wide: true, value: (row) => row.pid },
    { header: 'ROOT', wide: true, value: (row) => row.root },
    { header: 'KUBECONFIG', wide: true, value: (row) => row.kubernetes?.kubeconfig },
  ],
};

export const run: Verb = async (input, io) => {
  const flags = parseFlags(outputFlags, input, 'lab status');
  const rows = (await Promise.all((await labStatusAll()).map(rowsOf))).flat();
  print(io, labNodes, rows, flags);
  if (rows.length === 0) io.err('No labs found.\n');
  return exitCodes.done;
};

async function rowsOf(lab: LabStatus): Promise<Row[]> {
  const clusters = await clusterStatus(lab);
  return lab.nodes.map((node) => {
    const [link, uplink] = [lab.links[`node:${node.name}`], lab.links[`site:${node.site}`]];
    const kubernetes = clusters?.[node.name];
    return {
      ...node,
      lab: lab.name,
      ...(link && { link }),
      ...(uplink && { uplink }),
      ...(kubernetes && { kubernetes }),
    };
  });
}

function clusterText(cluster: Row['kubernetes']): string {
  if (!cluster) return '';
  return cluster.stopped.length === 0 ? 'Running' : `without ${cluster.stopped.join(', ')}`;
}

function linkText(link: Link | undefined): string {
  if (link?.cut) return 'cut';
  return link?.shape ? `${link.shape.rateBitsPerSecond / 1e6}Mbit/s` : 'whole';
}
