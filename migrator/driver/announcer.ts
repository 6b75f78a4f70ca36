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
  #last: Promise<unknown> = Promise.resolve();

  constructor(js: JetStreamClient, site: string, patience: Patience) {
    this.#js = js;
    this.#site = site;
    this.#patience = patience;
  }

  push(event: MigrationEvent, id: string): void {
    const subject = eventSubject(this.#site, event.id, event.stage);
    const send = () =>
      untilBusAnswers('publishing an event', () => publish(this.#js, subject, event, { id }), this.#patience);
    this.#last = this.#last.then(send);
    this.#last.catch(() => {});
  }

  /** Everything pushed so far is in the stream. */
  async flush(): Promise<void> {
    await this.#last;
  }
}
