import { labStatusAll } from '../../lab/lab.ts';
import type { LabStatus } from '../../lab/status.ts';
import { exitCodes } from '../exit.ts';
import { parseFlags } from '../flags.ts';
import type { Verb } from '../io.ts';
import { bytes, type Kind, outputFlags, print } from '../output.ts';

type Link = LabStatus['links'][string];
type Row = LabStatus['nodes'][number] & { lab: string; link?: Link; uplink?: Link };

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
    { header: 'PID', wide: true, value: (row) => row.pid },
    { header: 'ROOT', wide: true, value: (row) => row.root },
  ],
};

export const run: Verb = async (input, io) => {
  const flags = parseFlags(outputFlags, input, 'lab status');
  const rows = (await labStatusAll()).flatMap(rowsOf);
  print(io, labNodes, rows, flags);
  if (rows.length === 0) io.err('No labs found.\n');
  return exitCodes.done;
};

function rowsOf({ name, nodes, links }: LabStatus): Row[] {
  return nodes.map((node) => {
    const [link, uplink] = [links[`node:${node.name}`], links[`site:${node.site}`]];
    return { ...node, lab: name, ...(link && { link }), ...(uplink && { uplink }) };
  });
}

function linkText(link: Link | undefined): string {
  if (link?.cut) return 'cut';
  return link?.shape ? `${link.shape.rateBitsPerSecond / 1e6}Mbit/s` : 'whole';
}
