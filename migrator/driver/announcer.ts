import type { JetStreamClient } from '@nats-io/jetstream';
import { publish } from '../../lib/bus/publish.ts';
import type { MigrationEvent } from '../../lib/contract/migration.ts';
import { eventSubject } from '../../lib/subjects.ts';
import { type Patience, untilBusAnswers } from './persist.ts';

/** Publishes the events of one migration in their order, behind the driver's back: nothing waits for it before the end. */
export class Announcer {
  readonly #js: JetStreamClient;
  readonly #site: string;
  readonly #patience: Patience;
  readonly #onTold: ((event: MigrationEvent) => void) | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** `onTold` hears of each event that is new in the stream. */
  constructor(js: JetStreamClient, site: string, patience: Patience, onTold?: (event: MigrationEvent) => void) {
    this.#js = js;
    this.#site = site;
    this.#patience = patience;
    this.#onTold = onTold;
  }

  push(event: MigrationEvent, id: string): void {
    const subject = eventSubject(this.#site, event.id, event.stage);
    const send = async (): Promise<void> => {
      const tell = () => publish(this.#js, subject, event, { id });
      const { duplicate } = await untilBusAnswers('publishing an event', tell, this.#patience);
      if (!duplicate) this.#onTold?.(event);
    };
    this.#last = this.#last.then(send);
    this.#last.catch(() => {});
  }

  /** Everything pushed so far is in the stream. */
  async flush(): Promise<void> {
    await this.#last;
  }
}
