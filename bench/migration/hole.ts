import { get } from 'node:http';

export interface Seen {
  /** Longest time between two answers, in ms. */
  holeMs: number;
  /** Time that each answer after the hole took, in ms, and when it came, in ms since the hole's end. */
  after: { tookMs: number; at: number }[];
  /** Of the last answer. */
  nonce: string;
}

/** Resolves with its first answer: a client outside that asks every 2 ms on a new connection and knows how long nobody answered. */
export interface HoleClient {
  /** What was seen since the last call. */
  take(): Seen;
  stop(): Promise<void>;
}

export async function watchHoles(url: string): Promise<HoleClient> {
  let stopped = false;
  let last = performance.now();
  let holeMs = 0;
  let nonce = '';
  let ended = last;
  let after: Seen['after'] = [];
  const loop = async (): Promise<void> => {
    while (!stopped) {
      const asked = performance.now();
      const answer = await ask(url).catch(() => undefined);
      if (answer !== undefined) {
        const now = performance.now();
        if (now - last > holeMs) {
          holeMs = now - last;
          ended = now;
          after = [];
        } else after.push({ tookMs: now - asked, at: now - ended });
        last = now;
        nonce = answer;
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  const done = loop();
  while (nonce === '') await new Promise((resolve) => setTimeout(resolve, 20));
  return {
    take: () => {
      const taken = { holeMs, after, nonce };
      holeMs = 0;
      after = [];
      return taken;
    },
    stop: () => {
      stopped = true;
      return done;
    },
  };
}

function ask(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: 30_000 }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on('end', () => resolve((JSON.parse(body) as { nonce: string }).nonce));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error('no answer')));
  });
}

export async function untilAnswers(url: string, deadlineMs: number): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (
    !(await ask(url).then(
      () => true,
      () => false,
    ))
  ) {
    if (performance.now() > end) throw new Error(`${url} does not answer`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
