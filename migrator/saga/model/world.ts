import type { AgentReply } from '../../../lib/contract/agent.ts';
import type { MigrationEvent } from '../../../lib/contract/migration.ts';
import type { SagaState } from '../../../lib/contract/saga.ts';
import { isResolvable } from '../resolve.ts';
import type { Ask, Role, SagaEvent, VerbReply } from '../types.ts';
import { ModelSource, ModelTarget, no } from './agents.ts';
import { ModelDriver } from './driver.ts';

interface Request {
  from: ModelDriver;
  ask: Ask;
  term: number;
}

export type Action = () => void;

export interface WorldOptions {
  /** Restores are lazy. */
  lazy: boolean;
  /** The preflight at the source says no. */
  refuses: boolean;
  /** Somebody may ask to cancel. */
  cancels: boolean;
  /** Deadlines may pass. */
  late: boolean;
  /** People may decide what is in doubt or lost; a node may die for good, and they attest it. */
  resolves: boolean;
}

const stepMs = 20;

/** Two nodes, a store, a stream of events, any number of drivers, and a network on which everything can happen to a message. */
export class World {
  now = 1000;
  readonly source = new ModelSource();
  readonly target = new ModelTarget();
  stored: { state: SagaState; revision: number } | undefined;
  readonly events: MigrationEvent[] = [];
  readonly requests: Request[] = [];
  readonly answers: { to: ModelDriver; event: SagaEvent }[] = [];
  readonly drivers: ModelDriver[] = [];
  dead: Role | undefined;
  readonly options: WorldOptions;
  readonly #ids = new Set<string>();

  constructor(options: WorldOptions) {
    this.options = options;
    this.target.lazy = options.lazy;
    this.claim();
  }

  publish(event: MigrationEvent, id: string): void {
    if (this.#ids.has(id)) return;
    this.#ids.add(id);
    this.events.push(event);
  }

  claim(): void {
    this.drivers.push(new ModelDriver(this, `driver-${this.drivers.length}`));
  }

  /** A person decides, as `godwit resolve` does: of a dead node nothing is asked, the source's record is read where it can be. */
  resolve(keep: Role): void {
    const { dead, source } = this;
    if (!this.stored || !isResolvable(this.stored.state)) return;
    const record = dead === 'source' ? undefined : source.record;
    this.drivers.push(new ModelDriver(this, `person-${this.drivers.length}`, { keep, dead, record }));
  }

  /** It never answers again, and nothing of it runs. */
  die(role: Role): void {
    this.dead = role;
    this.requests.splice(0, this.requests.length, ...this.requests.filter(({ ask }) => ask.role !== role));
    if (role === 'source') this.source.copy = 'gone';
    else this.target.copy = 'none';
  }

  requestCancel(): void {
    if (!this.stored) return;
    this.stored = { state: { ...this.stored.state, cancelRequested: true }, revision: this.stored.revision + 1 };
  }

  /** What brings the migration on: messages and writes arrive, in any order. */
  work(): Action[] {
    const alive = this.drivers.filter((driver) => driver.alive);
    return [
      ...this.requests.map((request) => () => this.deliver(request)),
      ...this.answers.filter(({ to }) => to.mayAct || !to.alive).map((answer) => () => this.answer(answer)),
      ...alive.filter(({ unsaved }) => unsaved).map((driver) => () => driver.land()),
    ];
  }

  mishaps(): Action[] {
    const { requests, answers, options, target } = this;
    const alive = this.drivers.filter((driver) => driver.alive);
    const able = alive.filter(({ mayAct }) => mayAct);
    return [
      ...requests.map((request) => () => drop(requests, request)),
      ...requests.map((request) => () => this.deliver(request, { keep: true })),
      ...answers.map((answer) => () => drop(answers, answer)),
      ...able.map((driver) => () => this.timeOut(driver)),
      ...able.filter((driver) => this.cancelWanted(driver)).map((driver) => () => this.cancel(driver)),
      ...alive.map((driver) => () => this.kill(driver)),
      ...(this.drivers.length < 6 ? [() => this.claim()] : []),
      ...(options.cancels ? [() => this.requestCancel()] : []),
      ...(options.late ? [() => this.pass(120_000)] : []),
      ...(options.resolves ? this.decisions() : []),
      ...(target.copy === 'running' ? [() => this.drain()] : []),
      ...(target.copy === 'running' && target.drained ? [] : [() => target.reboot()]),
      () => this.pass(5000),
    ];
  }

  decisions(): Action[] {
    const { stored, dead } = this;
    if (!stored || !isResolvable(stored.state) || this.drivers.length > 8) return [];
    const nodes: Role[] = ['source', 'target'];
    return [
      ...nodes.filter((role) => role !== dead).map((role) => () => this.resolve(role)),
      ...(dead ? [] : nodes.map((role) => () => this.die(role))),
    ];
  }

  /** All pages are in. */
  drain(): void {
    if (this.target.copy === 'running' && !this.target.lost) this.target.drained = true;
  }

  pass(ms: number): void {
    this.now += ms;
    if (this.dead !== 'source') this.source.tick(this.now);
  }

  kill(driver: ModelDriver): void {
    driver.alive = false;
  }

  cancelWanted(driver: ModelDriver): boolean {
    return !driver.state.cancelRequested && this.stored?.state.cancelRequested === true;
  }

  cancel(driver: ModelDriver): void {
    driver.noticeCancel();
    driver.take({ kind: 'cancel', at: this.now });
  }

  timeOut(driver: ModelDriver): void {
    const step = driver.awaiting?.step;
    if (step) driver.take({ kind: 'unanswered', at: this.now, step, message: 'no answer' });
  }

  deliver(request: Request, options: { keep?: boolean } = {}): void {
    if (!options.keep) drop(this.requests, request);
    this.pass(stepMs);
    if (request.ask.role === this.dead) return;
    const { ask, from, term } = request;
    const fields = { ...ask.body.fields, term };
    const agent = ask.role === 'source' ? this.source : this.target;
    const refused = this.options.refuses && ask.step === 'prepare';
    const reply = refused ? no('E_PREFLIGHT', 'io_uring', this.now) : agent.answer(ask.body.verb, fields, this.now);
    this.answers.push({ to: from, event: toEvent(ask, reply, this.now) });
  }

  answer(answer: { to: ModelDriver; event: SagaEvent }): void {
    drop(this.answers, answer);
    if (answer.to.alive) answer.to.take({ ...answer.event, at: this.now });
  }
}

function toEvent(ask: Ask, reply: AgentReply, at: number): SagaEvent {
  const { step, body } = ask;
  if (!reply.ok) return { kind: 'failed', at, step, code: reply.error.code, message: reply.error.message };
  return { kind: 'answered', at, step, reply: { verb: body.verb, result: reply.result } as VerbReply, clocks: {} };
}

function drop<T>(list: T[], item: T): void {
  const index = list.indexOf(item);
  if (index >= 0) list.splice(index, 1);
}
