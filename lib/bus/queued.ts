import type { JetStreamManager, StoredMsg } from '@nats-io/jetstream';

/** What lies in a work queue, taken up or not, oldest first. A work queue allows no second consumer that could read it. */
export async function* readQueue(manager: JetStreamManager, stream: string): AsyncGenerator<StoredMsg> {
  for (let seq = 1; ; ) {
    // the client's type does not name what the server has understood since 2.9
    const nextFrom = { seq, next_by_subj: '>' };
    const message = await manager.streams.getMessage(stream, nextFrom);
    if (!message) return;
    yield message;
    seq = message.seq + 1;
  }
}
