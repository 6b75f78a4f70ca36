import type { AgentReply, Verb, VerbResult } from '../../../lib/contract/agent.ts';
import type { CommitRecord } from '../../../lib/contract/migration.ts';

/** Fields of a request that the models look at. */
export interface ModelRequest {
  term?: number;
  abortAt?: number;
  record?: string;
  attestation?: 'destroyed' | 'node-dead' | undefined;
  anew?: true | undefined;
}

export type ModelVerbs = Partial<Record<Verb, (request: ModelRequest, at: number) => AgentReply>>;

export interface ModelAgent {
  answer(verb: Verb, request: ModelRequest, at: number): AgentReply;
}

const ok = <V extends Verb>(result: VerbResult<V>, at: number): AgentReply => ({ ok: true, at, result });
export const no = (code: string, message: string, at: number): AgentReply => ({
  ok: false,
  at,
  error: { code, message },
});

export const preparedModel = {
  spec: {
    name: 'trainer',
    image: 'sha256:0',
    keeps: 'memory',
    strategy: 'auto',
    home: 'edge-1',
    restartPolicy: 'never',
    migrate: true,
    priority: 0,
    startedAt: 0,
    config: {},
  },
  strategy: 'warm',
  memoryBytes: 64 << 20,
  filesBytes: 1 << 20,
} as const satisfies VerbResult<'prepare'>;

/** The highest term that ever asked; a lower one gets no further. */
class Fence {
  #highest = 0;

  answer(verbs: ModelVerbs, verb: Verb, request: ModelRequest, at: number): AgentReply {
    const work = verbs[verb];
    if (!work) return no('E_INPUT', `${verb} has another addressee`, at);
    if (verb === 'status') return work(request, at);
    const { term = 0 } = request;
    if (term < this.#highest) return no('E_STALE', `term ${term} is over`, at);
    this.#highest = term;
    return work(request, at);
  }
}

/** What the contract says of a source's agent, and no more. All of it is on the agent's disk. */
export class ModelSource implements ModelAgent {
  copy: 'running' | 'frozen' | 'gone' = 'running';
  record: CommitRecord | undefined;
  attested = false;
  cleaned = false;
  abortAt = Number.POSITIVE_INFINITY;
  frozenAt = 0;
  /** What the record has been, in order. */
  readonly turns: CommitRecord[] = [];
  readonly #fence = new Fence();

  readonly #verbs: ModelVerbs = {
    status: (_, at) => ok<'status'>({ role: 'source', copy: this.copy === 'gone' ? 'none' : this.copy }, at),
    prepare: (_, at) => ok<'prepare'>(preparedModel, at),
    freeze: (request, at) => {
      if (this.record === 'aborted' || this.record === 'committed') return this.#forbidden(at);
      if (this.record === undefined) {
        this.#turn('open');
        this.copy = 'frozen';
        this.frozenAt = at;
        this.abortAt = request.abortAt ?? Number.POSITIVE_INFINITY;
      }
      return ok<'freeze'>({ frozenAt: this.frozenAt }, at);
    },
    dump: (_, at) => {
      if (this.record !== 'open') return this.#forbidden(at);
      return ok<'dump'>({ memoryBytes: preparedModel.memoryBytes, filesBytes: 0, dumpMs: 1 }, at);
    },
    commit: (_, at) => {
      if (this.record === undefined) return this.#forbidden(at);
      if (this.record === 'open') this.#turn('committed');
      return ok<'commit'>({ record: this.record }, at);
    },
    switch: (_, at) => (this.#mayGo() ? ok<'switch'>({ switched: true }, at) : this.#forbidden(at)),
    release: (_, at) => {
      if (!this.#mayGo()) return this.#forbidden(at);
      this.copy = 'gone';
      return ok<'release'>({ released: true }, at);
    },
    abort: (request, at) => {
      if (this.record === undefined) this.#turn('aborted');
      if (this.record === 'open') this.#thaw();
      if (this.record === 'committed' && request.attestation !== undefined && this.copy === 'frozen') {
        this.attested = true;
        this.copy = 'running';
      }
      return ok<'abort'>({ record: this.record, running: this.copy === 'running' }, at);
    },
    clean: (_, at) => {
      this.cleaned = true;
      return ok<'clean'>({ cleaned: true }, at);
    },
  };

  answer(verb: Verb, request: ModelRequest, at: number): AgentReply {
    this.tick(at);
    return this.#fence.answer(this.#verbs, verb, request, at);
  }

  /** The agent aborts by itself when its time has come. */
  tick(at: number): void {
    if (this.record === 'open' && at >= this.abortAt) this.#thaw();
  }

  #mayGo(): boolean {
    return this.record === 'committed' && !this.attested && !this.cleaned;
  }

  #forbidden(at: number): AgentReply {
    return no('E_RECORD', `the record is ${this.record ?? 'not open'}`, at);
  }

  #thaw(): void {
    this.#turn('aborted');
    this.copy = 'running';
  }

  #turn(record: CommitRecord): void {
    this.record = record;
    this.turns.push(record);
  }
}

/** What the contract says of a target's agent. */
export class ModelTarget implements ModelAgent {
  copy: 'none' | 'held' | 'running' = 'none';
  received = false;
  destroyed = false;
  lazy = false;
  drained = true;
  lost = false;
  cleaned = false;
  runningAt = 0;
  readonly #fence = new Fence();

  readonly #verbs: ModelVerbs = {
    status: (_, at) => {
      const { copy, drained, lost } = this;
      return ok<'status'>({ role: 'target', copy, drained, drainMs: 5, lost }, at);
    },
    receive: (_, at) => {
      if (this.destroyed) return no('E_RECORD', 'the copy was destroyed', at);
      this.received = true;
      return ok<'receive'>({ data: { address: '127.0.0.1', port: 1 } }, at);
    },
    restore: (_, at) => {
      if (this.copy === 'none' && !this.received) return no('E_RESTORE', 'nothing has arrived here', at);
      if (this.copy === 'none') this.copy = 'held';
      return ok<'restore'>({ heldAt: at, lazy: this.lazy }, at);
    },
    run: (request, at) => {
      if (request.record === undefined) return no('E_RECORD', 'not committed', at);
      if (request.anew && this.lost && !this.destroyed) {
        this.copy = 'running';
        this.lost = false;
        this.drained = true;
        this.runningAt = at;
      }
      if (this.copy === 'none') return no('E_RECORD', 'no held copy is here', at);
      if (this.copy === 'held') {
        this.copy = 'running';
        this.drained = !this.lazy;
        this.runningAt = at;
      }
      return ok<'run'>({ runningAt: this.runningAt, drained: this.drained }, at);
    },
    abort: (_, at) => {
      if (this.copy === 'running') return no('E_RECORD', 'the copy runs', at);
      this.copy = 'none';
      this.received = false;
      this.destroyed = true;
      return ok<'abort'>({ running: false, attestation: 'destroyed' }, at);
    },
    clean: (_, at) => {
      this.cleaned = true;
      return ok<'clean'>({ cleaned: true }, at);
    },
  };

  answer(verb: Verb, request: ModelRequest, at: number): AgentReply {
    return this.#fence.answer(this.#verbs, verb, request, at);
  }

  /** What is not on the disk is gone: a held copy, what has arrived, pages that were still to come. */
  reboot(): void {
    if (this.copy === 'running' && !this.drained) this.lost = true;
    this.copy = 'none';
    this.received = false;
  }
}
