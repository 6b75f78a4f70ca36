import type { Store } from '../../lib/bus/kv.ts';
import type { SagaState } from '../../lib/contract/saga.ts';
import { GodwitError, hasCode } from '../../lib/errors.ts';
import { type Patience, untilBusAnswers } from './persist.ts';

export interface JournalOptions extends Patience {
  store: Store<SagaState>;
  /** Somebody has asked to cancel the migration. */
  onCancel: () => void;
}

/**
 * One driver's hand on the stored state of its migration. Every write is compare-and-set. A conflict is either somebody's
 * request to cancel, which is kept, or another driver with a higher term: then E_STALE.
 */
export class Journal {
  readonly #key: string;
  readonly #options: JournalOptions;
  #revision: number;
  #cancelRequested = false;

  constructor(key: string, revision: number, options: JournalOptions) {
    this.#key = key;
    this.#revision = revision;
    this.#options = options;
  }

  async save(state: SagaState): Promise<void> {
    await untilBusAnswers('saving the state', () => this.#write(state), this.#options);
  }

  /** Throws E_STALE when another driver has the migration by now. */
  async confirm(state: SagaState): Promise<void> {
    await untilBusAnswers('reading the state', () => this.#reread(state), this.#options);
  }

  async #write(state: SagaState): Promise<void> {
    for (;;) {
      const value = { ...state, cancelRequested: state.cancelRequested || this.#cancelRequested };
      try {
        this.#revision = await this.#options.store.update(this.#key, value, this.#revision);
        return;
      } catch (error) {
        if (!hasCode(error, 'E_CONFLICT')) throw error;
      }
      await this.#reread(state);
    }
  }

  async #reread({ term, driver }: SagaState): Promise<void> {
    const stored = await this.#options.store.get(this.#key);
    if (stored?.value.term !== term || stored.value.driver !== driver)
      throw new GodwitError('E_STALE', `migration ${this.#key} has another driver: term ${term} is over`);
    this.#revision = stored.revision;
    if (!stored.value.cancelRequested || this.#cancelRequested) return;
    this.#cancelRequested = true;
    this.#options.onCancel();
  }
}
