import type { z } from 'zod';
import { GodwitError } from '../lib/errors.ts';
import { parseAs } from '../lib/parse.ts';
import {
  type Command,
  type CommandOptions,
  commandIn,
  type ExecInNodeOptions,
  execInNode,
  type NodeExecResult,
  requireNode,
} from './exec.ts';
import { ownHierarchies } from './hierarchies.ts';
import { applyCut, applyShape, changeLink, type LinkEnd } from './links.ts';
import { withLabLock } from './lock.ts';
import {
  type KillOptions,
  killService,
  listServices,
  type Service,
  type ServiceOptions,
  startService,
} from './services.ts';
import { type LabSettings, labSettings } from './settings.ts';
import { type LabSpecInput, parseLabSpec } from './spec.ts';
import { labNames, readLab, requireLab, type Shape, shapeSchema } from './state.ts';
import { type LabStatus, statusOf } from './status.ts';
import { tearDown } from './teardown.ts';
import { raise } from './up.ts';

// What the rest of Godwit uses of the lab. Every function takes the lab's name and, last, settings for what is not at its usual place.

type ShapeInput = z.input<typeof shapeSchema>;
type Given = Partial<LabSettings>;

/** Raises the lab, or repairs it and adapts it to the spec. @throws E_CONFIG, E_SETUP, E_LAB */
export async function labUp(spec: LabSpecInput, given: Given = {}): Promise<LabStatus> {
  const settings = labSettings(given);
  const parsed = parseLabSpec(spec);
  if (process.getuid?.() !== 0) throw new GodwitError('E_SETUP', 'a lab needs root', { next: 'Run it with sudo.' });
  await withLabLock(parsed.name, () => raise(settings, parsed));
  return labStatus(parsed.name, given);
}

/** Leaves nothing of the lab; one that is not there is no error. @throws E_LAB when something can not be removed */
export async function labDown(name: string, given: Given = {}): Promise<void> {
  const settings = labSettings(given);
  await withLabLock(name, async () => {
    const lab = await readLab(settings, name);
    await tearDown(settings, name, lab?.hierarchies ?? (await ownHierarchies()));
  });
}

/** @throws E_LAB when there is no such lab */
export async function labStatus(name: string, given: Given = {}): Promise<LabStatus> {
  const settings = labSettings(given);
  return statusOf(settings, await requireLab(settings, name));
}

export async function labStatusAll(given: Given = {}): Promise<LabStatus[]> {
  const settings = labSettings(given);
  const labs = await Promise.all((await labNames(settings)).map((name) => readLab(settings, name)));
  return Promise.all(labs.filter((lab) => lab !== undefined).map((lab) => statusOf(settings, lab)));
}

/** Runs a program to its end in all of the node's namespaces and groups. @throws E_EXEC, E_TIMEOUT, E_CANCELLED, E_LAB */
export function labExec(
  lab: string,
  node: string,
  argv: readonly string[],
  options: ExecInNodeOptions = {},
  given: Given = {},
): Promise<NodeExecResult> {
  return execInNode(labSettings(given), lab, node, argv, options);
}

/** For callers who spawn by themselves: what to spawn here so that `argv` runs in the node. @throws E_LAB */
export async function labCommand(
  lab: string,
  node: string,
  argv: readonly string[],
  options: CommandOptions = {},
  given: Given = {},
): Promise<Command> {
  return commandIn(await requireNode(labSettings(given), lab, node), node, argv, options);
}

/** Starts a program in the node that outlives the caller. @throws E_EXEC, E_LAB */
export function labStart(
  lab: string,
  node: string,
  argv: readonly string[],
  options: ServiceOptions,
  given: Given = {},
): Promise<Service> {
  return startService(labSettings(given), lab, node, argv, options);
}

/** What was started in the node since it is up. @throws E_LAB */
export function labServices(lab: string, node: string, given: Given = {}): Promise<Service[]> {
  return listServices(labSettings(given), lab, node);
}

/** Signals a started program by its `pid`; false when it had ended. @throws E_LAB, E_TIMEOUT */
export function labKill(
  lab: string,
  node: string,
  pid: number,
  options: KillOptions = {},
  given: Given = {},
): Promise<boolean> {
  return killService(labSettings(given), lab, node, pid, options);
}

/** Limits a cable both ways. @throws E_LAB when there is no such node or site */
export async function linkShape(lab: string, end: LinkEnd, shape: ShapeInput, given: Given = {}): Promise<void> {
  const parsed = parseAs(shapeSchema as z.ZodType<Shape>, shape, 'shape', 'E_CONFIG');
  await changeLink(labSettings(given), lab, end, (state) => ({ ...state, shape: parsed }), applyShape);
}

/** Takes the limit away. */
export function linkUnshape(lab: string, end: LinkEnd, given: Given = {}): Promise<void> {
  return changeLink(labSettings(given), lab, end, ({ cut }) => ({ cut }), applyShape);
}

/** Cuts a cable: nothing passes either way, and nobody is told. */
export function linkCut(lab: string, end: LinkEnd, given: Given = {}): Promise<void> {
  return changeLink(labSettings(given), lab, end, (state) => ({ ...state, cut: true }), applyCut);
}

/** Undoes a cut; a shape stays. */
export function linkHeal(lab: string, end: LinkEnd, given: Given = {}): Promise<void> {
  return changeLink(labSettings(given), lab, end, (state) => ({ ...state, cut: false }), applyCut);
}
