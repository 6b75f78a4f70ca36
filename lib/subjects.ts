import type { MigrationEvent } from './contract/migration.ts';
import { GodwitError } from './errors.ts';

/** Names may hold dots, subject tokens may not; `_` is in no name, so the encoding loses nothing. */
export function encodeToken(name: string): string {
  return name.replaceAll('.', '_');
}

export function decodeToken(token: string): string {
  return token.replaceAll('_', '.');
}

export const telemetrySubject = (site: string, node: string): string =>
  `telemetry.v1.${encodeToken(site)}.${encodeToken(node)}`;

/** From a pod's sidecar to the monitor of its node; `pod` is the pod's uid. */
export const podSampleSubject = (site: string, node: string, pod: string): string =>
  `pod.v1.${encodeToken(site)}.${encodeToken(node)}.${pod}`;

export const decisionSubject = (site: string, node: string): string =>
  `decision.v1.${encodeToken(site)}.${encodeToken(node)}`;

/** `<site>` is the source's. */
export const commandSubject = (site: string, migration: string): string =>
  `migration.v1.${encodeToken(site)}.command.${migration}`;

/** The site in the subject of a command. */
export const siteOfCommand = (subject: string): string => decodeToken(subject.split('.')[2] ?? '');

export const migrationOfCommand = (subject: string): string => subject.split('.')[4] ?? '';

export const eventSubject = (site: string, migration: string, stage: MigrationEvent['stage']): string =>
  `migration.v1.${encodeToken(site)}.event.${migration}.${stage}`;

/** Request/reply: the node's agent answers. */
export const nodeSubject = (node: string, verb: string): string => `node.v1.${encodeToken(node)}.${verb}`;

export const migrateRequestSubject = 'decider.v1.migrate';

export interface NodeSubject {
  node: string;
  verb: string;
}

export function parseNodeSubject(subject: string): NodeSubject {
  const [family, version, node, verb, ...rest] = subject.split('.');
  if (family !== 'node' || version !== 'v1' || !node || !verb || rest.length > 0)
    throw new GodwitError('E_INPUT', `subject ${subject}: expected node.v1.<node>.<verb>`);
  return { node: decodeToken(node), verb };
}
