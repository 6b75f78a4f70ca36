import type { SagaState } from '../../../lib/contract/saga.ts';
import { begin } from '../begin.ts';
import { publishOf } from '../publish.ts';
import { transition } from '../transition.ts';
import type { Ask, ResolveEvent, SagaCommand, SagaEvent, Transition } from '../types.ts';
import { modelCommand, modelContext } from './fixtures.ts';
import type { World } from './world.ts';

/**
 * A driver that keeps the order of the real one: an event is taken up only when the last state is stored; commands that may
 * overtake their own state do.
 */
export class ModelDriver {
  readonly name: string;
  alive = true;
  state: SagaState;
  awaiting: Ask | undefined;
  /** A write under way. */
  unsaved: SagaState | undefined;
  #deferred: SagaCommand[] = [];
  #revision: number;
  #cancelSeen = false;
  readonly #world: World;

  /** With `resolution` a person's command line, which drives what its person has decided. */
  constructor(world: World, name: string, resolution?: Pick<ResolveEvent, 'keep' | 'dead' | 'record'>) {
    this.#world = world;
    this.name = name;
    const first = resolution ? this.#resolve(name, resolution) : this.#claim(name);
    this.state = first.state;
    world.stored = { state: first.state, revision: (world.stored?.revision ?? 0) + 1 };
    this.#revision = world.stored.revision;
    this.#execute(first.commands);
  }

  get cancelSeen(): boolean {
    return this.#cancelSeen && !this.state.cancelRequested;
  }

  get mayAct(): boolean {
    return this.alive && this.unsaved === undefined;
  }

  take(event: SagaEvent): void {
    if (event.kind === 'failed' && event.code === 'E_STALE' && this.#superseded()) return;
    const { state, commands } = transition(this.state, event, modelContext);
    const changed = state !== this.state;
    this.state = state;
    if (changed) this.unsaved = state;
    const careful =
      commands.some(({ kind }) => kind === 'finish') || commands.some((c) => c.kind === 'ask' && c.storedFirst);
    if (changed && careful) this.#deferred = commands;
    else this.#execute(commands);
  }

  /** The write arrives at the store: compare-and-set. */
  land(): void {
    const { stored } = this.#world;
    if (!this.unsaved || !stored) return;
    if (stored.revision !== this.#revision) {
      if (this.#superseded()) return;
      this.#revision = stored.revision;
      if (stored.state.cancelRequested) this.#cancelSeen = true;
    }
    const cancelRequested = this.unsaved.cancelRequested || this.#cancelSeen;
    this.#world.stored = { state: { ...this.unsaved, cancelRequested }, revision: ++this.#revision };
    this.unsaved = undefined;
    this.#execute(this.#deferred.splice(0));
  }

  /** The watch of the store tells of the request to cancel. */
  noticeCancel(): void {
    this.#cancelSeen = true;
  }

  /** The watch of the store tells of another driver. */
  noticeOthers(): void {
    this.#superseded();
  }

  #claim(name: string): Transition {
    const { stored, now } = this.#world;
    if (!stored) return begin({ command: modelCommand, sequence: 1, driver: name, at: now }, modelContext);
    const { state } = stored;
    if (state.step === 'end') return { state, commands: [publishOf(state), { kind: 'finish' }] };
    return transition(state, { kind: 'takeover', at: now, driver: name }, modelContext);
  }

  #resolve(driver: string, resolution: Pick<ResolveEvent, 'keep' | 'dead' | 'record'>): Transition {
    const { stored, now } = this.#world;
    if (!stored) throw new Error('nothing to resolve');
    const next = transition(stored.state, { kind: 'resolve', at: now, driver, ...resolution }, modelContext);
    if (next.commands.length === 0) this.alive = false;
    return next;
  }

  #superseded(): boolean {
    const stored = this.#world.stored?.state;
    if (stored?.term === this.state.term && stored.driver === this.name) return false;
    this.alive = false;
    return true;
  }

  #execute(commands: SagaCommand[]): void {
    for (const command of commands) {
      if (command.kind === 'publish') this.#world.publish(command.event, command.id);
      if (command.kind === 'finish') this.alive = false;
      if (command.kind !== 'ask') continue;
      this.awaiting = command;
      this.#world.requests.push({ from: this, ask: command, term: this.state.term });
    }
  }
}
