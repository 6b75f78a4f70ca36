import type { PolicySpec } from '../../../lib/contract/policy-spec.ts';
import { type BudgetParams, budgetParams } from '../../budget/params.ts';
import { historyLengths } from '../../overload/detectors.ts';
import { type OverloadParams, overloadParams } from '../../overload/params.ts';
import { type ReturnParams, returnParams } from '../../return-home/params.ts';
import { type VictimParams, victimParams } from '../../victim/params.ts';
import type { Hold, Move } from '../../world/model.ts';
import { migrationSeconds, stepSeconds } from './hardware.ts';
import type { Migration } from './plan.ts';
import type { Host, Vm } from './state.ts';

/** What the stages remember from step to step. */
export interface Memory {
  /** Moving averages, MIPS. */
  means: Map<Vm, number>;
  holds: Map<Host, Hold>;
  moves: Map<Vm, Move[]>;
}

export const newMemory = (): Memory => ({ means: new Map(), holds: new Map(), moves: new Map() });

export interface GodwitParams {
  overload: OverloadParams;
  victim: VictimParams;
  budgets: BudgetParams;
  home: ReturnParams;
  /** Share of its MIPS that a target may reach. */
  fill: number;
  /** Of a sample in the moving averages. */
  weight: number;
  windowSteps: number;
  /** Samples to look back on. */
  steps: number;
}

/** Monitors sample every 10 s, here a sample comes every 300 s: the time constant counts samples. Windows and rests stay as they are. */
const liveIntervalMs = 10_000;

export function paramsOf(spec: PolicySpec): GodwitParams {
  const home = returnParams(spec);
  const victim = victimParams(spec);
  const windowSteps = Math.max(1, Math.round(home.windowMs / (stepSeconds * 1000)));
  return {
    overload: overloadParams(spec),
    victim,
    budgets: budgetParams(spec),
    home,
    fill: spec.target.fillThresholds.cpu,
    weight: 1 - Math.exp(-liveIntervalMs / spec.signals.timeConstant),
    windowSteps,
    steps: Math.max(windowSteps, historyLengths[spec.overload.detector]),
  };
}

export function rememberMoves(memory: Memory, migrations: readonly Migration[], now: number): void {
  for (const { vm } of migrations) {
    const durationMs = migrationSeconds(vm.type.memoryMb) * 1000;
    const moves = memory.moves.get(vm) ?? [];
    moves.push({ migration: `${vm.name}/${now}`, endedAt: now + durationMs, durationMs, result: 'succeeded' });
    memory.moves.set(vm, moves);
  }
}
