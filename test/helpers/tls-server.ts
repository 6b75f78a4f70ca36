import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, loadAuthority } from '../../cli/pki/authority.ts';
import { systemClock } from '../../lib/clock.ts';

export interface TlsServer {
  url: string;
  /** PEM of the authority that its certificate is of. */
  authority: string;
  close(): Promise<void>;
}

/** An HTTPS server on 127.0.0.1 that answers as told. */
export async function startTlsServer(answer: RequestListener): Promise<TlsServer> {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-tls-'));
  try {
    await createAuthority(folder, systemClock);
    const authority = await loadAuthority(folder, systemClock);
    const issued = await authority.issue({ name: 'test', serves: { addresses: ['127.0.0.1'], names: ['localhost'] } });
    const server = createServer({ key: issued.key, cert: issued.certificate }, answer).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return {
      url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
      authority: authority.certificate,
      close: async () => {
        server.closeAllConnections();
        server.close();
        await once(server, 'close');
      },
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
