import { type Keeps, keepsSchema, type RequestedStrategy } from '../../lib/contract/names.ts';
import { podSettings } from '../../lib/contract/pod.ts';

/** An object and its annotations. */
export interface Annotated {
  kind: string;
  name: string;
  annotations: Readonly<Record<string, string>>;
}

/** What the annotations ask for. */
export interface Settings {
  migrate: boolean;
  strategy: RequestedStrategy;
  keeps: Keeps;
  /** One sentence each: object, path, what was expected. */
  faults: string[];
}

const flags: Readonly<Record<string, boolean>> = { true: true, false: false };
const strategies = { auto: 'auto', restart: 'restart', cold: 'cold', warm: 'warm' } as const;
const restorePolicies = { restart: 'restart', checkpoint: 'warm' } as const;
const states = Object.fromEntries(keepsSchema.options.map((name) => [name, name])) as Record<Keeps, Keeps>;

/** What a workload keeps that says nothing of it. */
const keptBy: Readonly<Record<RequestedStrategy, Keeps>> = {
  auto: 'memory',
  restart: 'nothing',
  cold: 'files',
  warm: 'memory',
  live: 'memory',
  application: 'memory',
};

/**
 * Settings of a pod by its own annotations, then by those of its controllers, nearest first. What is written wrong never counts as
 * absent, but as what loses the least: a wrong `migrate` as false, a wrong `state` as memory.
 */
export function readSettings(levels: readonly Annotated[]): Settings {
  const faults: string[] = [];
  const read = <T>(key: string, values: Readonly<Record<string, T>>, wrong: T) => {
    return ({ kind, name, annotations }: Annotated): T | undefined => {
      const text = annotations[key];
      if (text === undefined) return undefined;
      if (Object.hasOwn(values, text)) return values[text];
      const expected = Object.keys(values)
        .join(', ')
        .replace(/, ([^,]*)$/, ' or $1');
      faults.push(
        `${kind} ${name}: metadata.annotations[${key}]: expected ${expected}, received ${JSON.stringify(text)}`,
      );
      return wrong;
    };
  };
  const migrate = read(podSettings.migrate, flags, false);
  const ownStrategy = read<RequestedStrategy>(podSettings.strategy, strategies, 'auto');
  const restorePolicy = read<RequestedStrategy>(podSettings.restorePolicy, restorePolicies, 'warm');
  const state = read<Keeps>(podSettings.state, states, 'memory');

  const strategyAt = (level: Annotated): RequestedStrategy | undefined => {
    const [long, short] = [ownStrategy(level), restorePolicy(level)];
    if (long !== undefined && long !== 'auto' && short !== undefined && short !== long)
      faults.push(
        `${level.kind} ${level.name}: metadata.annotations[${podSettings.restorePolicy}]: expected what ` +
          `${podSettings.strategy} says (${long}), which counts`,
      );
    return long === 'auto' ? (short ?? long) : (long ?? short);
  };
  const strategy = first(levels, strategyAt) ?? 'auto';
  return {
    migrate: first(levels, migrate) ?? true,
    strategy,
    keeps: first(levels, state) ?? keptBy[strategy],
    faults,
  };
}

/** The nearest level's; those above it are not looked at, so that their faults are not told of pods that they do not concern. */
function first<T>(levels: readonly Annotated[], at: (level: Annotated) => T | undefined): T | undefined {
  for (const level of levels) {
    const value = at(level);
    if (value !== undefined) return value;
  }
  return undefined;
}
