import { constants } from 'node:os';
import { execa } from 'execa';
import { GodwitError } from '../lib/errors.ts';
import { isRunning, type ProcessId } from '../lib/process-id.ts';
import { joinGroups } from './cgroup.ts';
import { compileCache, joinScript, systemPath } from './node.ts';
import type { LabSettings } from './settings.ts';
import { type LabState, readNode, requireLab } from './state.ts';

export interface Command {
  file: string;
  args: string[];
  /** The whole environment, nothing of the caller's. */
  env: Record<string, string>;
}

export interface CommandOptions {
  env?: Record<string, string>;
  /** Folder in the node. */
  cwd?: string;
}

export interface ExecInNodeOptions extends CommandOptions {
  input?: string;
  /** `inherit`: the caller's terminal; `pipe` (default): collected. */
  stdio?: 'pipe' | 'inherit';
  timeoutMs?: number;
  /** Returns a failure instead of throwing it. */
  allowFailure?: boolean;
  signal?: AbortSignal;
}

export interface NodeExecResult {
  /** As a shell counts: 128 + n after signal n. */
  exitCode: number;
  stdout: string;
  stderr: string;
}

export interface RunningNode {
  lab: LabState;
  init: ProcessId;
}

/** @throws E_LAB when there is no such lab or node, or the node does not run. */
export async function requireNode(settings: LabSettings, labName: string, node: string): Promise<RunningNode> {
  const lab = await requireLab(settings, labName);
  if (!lab.spec.nodes.some(({ name }) => name === node)) {
    const known = lab.spec.nodes.map(({ name }) => name).join(', ');
    throw new GodwitError('E_LAB', `lab ${labName} has no node ${node}`, { next: `Its nodes: ${known}.` });
  }
  const state = await readNode(settings, labName, node);
  if (state && (await isRunning(state.init))) return { lab, init: state.init };
  throw new GodwitError('E_LAB', `node ${node} of lab ${labName} does not run`, { next: 'godwit lab up starts it.' });
}

/** What to spawn on this machine to run `argv` in all namespaces and groups of the node. */
export function commandIn(
  { lab, init }: RunningNode,
  node: string,
  argv: readonly string[],
  options: CommandOptions = {},
): Command {
  const namespaces = ['-m', '-p', '-u', '-i', '-n', '-C'];
  const inner = options.cwd === undefined ? argv : ['env', '-C', options.cwd, ...argv];
  const groups = joinGroups(lab.hierarchies, lab.spec.name, node);
  return {
    file: '/bin/sh',
    args: ['-c', joinScript, 'sh', ...groups, '--', 'nsenter', '-t', String(init.pid), ...namespaces, ...inner],
    env: { PATH: systemPath, HOME: '/root', LANG: 'C.UTF-8', NODE_COMPILE_CACHE: compileCache, ...options.env },
  };
}

/** Runs a program to its end in a node. @throws E_EXEC, or E_TIMEOUT; E_LAB when the node does not run */
export async function execInNode(
  settings: LabSettings,
  lab: string,
  node: string,
  argv: readonly string[],
  options: ExecInNodeOptions = {},
): Promise<NodeExecResult> {
  const { file, args, env } = commandIn(await requireNode(settings, lab, node), node, argv, options);
  const inherit = options.stdio === 'inherit';
  const result = await execa(file, args, {
    env,
    extendEnv: false,
    reject: false,
    // a terminal's Ctrl-C reaches the foreground group by itself
    killDescendants: !inherit,
    ...(inherit ? { stdio: 'inherit' as const } : stdin(options.input)),
    ...(options.timeoutMs !== undefined && { timeout: options.timeoutMs }),
    ...(options.signal && { cancelSignal: options.signal }),
  });
  const output = { stdout: String(result.stdout ?? ''), stderr: String(result.stderr ?? '') };
  const where = `${node}: ${argv.slice(0, 3).join(' ')}`;
  if (result.timedOut)
    throw new GodwitError('E_TIMEOUT', `${where}: not done after ${options.timeoutMs} ms`, { cause: result });
  if (result.isCanceled) throw new GodwitError('E_CANCELLED', `${where}: cancelled`, { cause: result });
  const exitCode = result.exitCode ?? 128 + signalNumber(result.signal);
  if (exitCode === 0 || options.allowFailure) return { exitCode, ...output };
  const said = output.stderr.trim().split('\n').slice(-3).join(' | ');
  throw new GodwitError('E_EXEC', `${where}: ${said || `exit code ${exitCode}`}`, { cause: result });
}

function stdin(input: string | undefined): { stdin: 'ignore' } | { input: string } {
  return input === undefined ? { stdin: 'ignore' } : { input };
}

function signalNumber(signal: NodeJS.Signals | undefined): number {
  return signal ? constants.signals[signal] : 0;
}
