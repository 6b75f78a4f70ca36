import { get } from 'node:http';

/** A client outside that asks every 2 ms on a new connection and knows how long nobody answered. */
export interface HoleClient {
  /** Longest time between two answers since the last call, in ms; and the last answer's nonce. */
  take(): { holeMs: number; nonce: string };
  stop(): Promise<void>;
}

export async function watchHoles(url: string): Promise<HoleClient> {
  let stopped = false;
  let last = performance.now();
  let holeMs = 0;
  let nonce = '';
  const loop = async (): Promise<void> => {
    while (!stopped) {
      const answer = await ask(url).catch(() => undefined);
      if (answer !== undefined) {
        const now = performance.now();
        holeMs = Math.max(holeMs, now - last);
        last = now;
        nonce = answer;
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  const done = loop();
  return {
    take: () => {
      const taken = { holeMs, nonce };
      holeMs = 0;
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
