import { readdir, readFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { resolve } from 'node:path';
import { readCertificate } from '../../lib/pki/authority.ts';
import { runningSupervisor } from '../services/registry.ts';
import { type Check, type Finding, fault, type Machine, ok, warning } from './check.ts';

const soonDays = 30;
const dayMs = 86_400_000;

export const certificates: Check = async ({ node, hub, clock }) => {
  const folders = [node?.pki, hub?.pki].filter((folder) => folder !== undefined);
  const findings = await Promise.all([...new Set(folders)].map((folder) => certificatesIn(folder, clock.now())));
  return findings.flat();
};

async function certificatesIn(folder: string, now: number): Promise<Finding[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.crt'));
  const ends = await Promise.all(
    files.map(async (name) => readCertificate(await readFile(resolve(folder, name), 'utf8'))),
  );
  const first = ends.sort((a, b) => a.endsAt - b.endsAt)[0];
  if (!first) return [fault('certificates', `none in ${folder}`, 'godwit pki node, and copy the folder here')];
  const days = Math.floor((first.endsAt - now) / dayMs);
  const next = 'godwit pki renew where the authority is, and copy the folder again';
  if (days < 0) return [fault('certificates', `${first.name} has ended`, next)];
  if (days < soonDays) return [warning('certificates', `${first.name} ends in ${days} days`, next)];
  return [ok('certificates', `${ends.length} in ${folder}, good for ${days} days`)];
}

export const ports: Check = async (machine) => {
  const wanted = portsOf(machine);
  const findings = await Promise.all(
    wanted.map(async ({ what, port, runDir }): Promise<Finding> => {
      if (await isFree(port)) return ok(`port ${port}`, `free for ${what}`);
      if (await runningSupervisor(runDir)) return ok(`port ${port}`, `in use, and godwit runs`);
      return fault(`port ${port}`, `${what} needs it, and somebody else has it`, `ss -ltnp sport = :${port}`);
    }),
  );
  return findings;
};

function portsOf({ node, hub }: Machine): { what: string; port: number; runDir: string }[] {
  return [
    ...(node ? [{ what: 'files and metadata', port: node.data.port, runDir: node.runDir }] : []),
    ...(node?.nats.leaf
      ? [{ what: "the site's NATS server", port: node.nats.leaf.listen.port, runDir: node.runDir }]
      : []),
    ...(hub ? [{ what: "the hub's NATS server", port: hub.nats.listen.port, runDir: hub.runDir }] : []),
    ...(hub ? [{ what: 'the leaves', port: hub.nats.leafListen.port, runDir: hub.runDir }] : []),
  ];
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const server = createServer().once('error', () => done(false));
    server.listen(port, '0.0.0.0', () => server.close(() => done(true)));
  });

/** Whether the way towards the hub is open; who is there is proved by TLS later. */
export const wayToHub: Check = async ({ node }) => {
  if (!node) return [];
  const url = new URL(node.nats.leaf?.hub ?? node.nats.servers[0] ?? '');
  const [host, port] = [url.hostname, Number(url.port)];
  const open = await new Promise<boolean>((done) => {
    const socket = connect({ host, port, timeout: 3000 });
    const end = (answer: boolean) => (): void => {
      socket.destroy();
      done(answer);
    };
    socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false));
  });
  if (open) return [ok('way to the hub', url.host)];
  return [
    fault('way to the hub', `${url.host} does not answer`, 'does `godwit hub` run there? Is a firewall between?'),
  ];
};
