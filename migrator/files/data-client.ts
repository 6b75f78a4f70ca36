import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { GodwitError, messageOf } from '../../lib/errors.ts';
import type { Archive } from './archive.ts';
import type { Upload } from './data-server.ts';

export interface DataClient {
  /**
   * Uploads one archive and returns its size in bytes when the other side has unpacked it. `make` is called at once; the other side
   * gets ready meanwhile. @throws E_TRANSFER, or what `make` throws
   */
  push(target: PushTarget, kind: Upload['kind'], make: MakeArchive, options: { signal: AbortSignal }): Promise<number>;
  close(): void;
}

export type MakeArchive = () => Promise<Archive>;

export interface PushTarget {
  node: string;
  address: string;
  port: number;
  migration: string;
}

/** Keeps connections open, so that what is pushed inside the freeze finds one that was made before it. */
export async function createDataClient(tls: { ca: string; cert: string; key: string }): Promise<DataClient> {
  const [ca, cert, key] = await Promise.all([tls.ca, tls.cert, tls.key].map((file) => readFile(file)));
  const agent = new Agent({ keepAlive: true, keepAliveMsecs: 5000 });
  return {
    push: (target, kind, make, options) => push({ ca, cert, key, agent }, target, kind, make, options.signal),
    close: () => agent.destroy(),
  };
}

type Credentials = { ca: Buffer | undefined; cert: Buffer | undefined; key: Buffer | undefined; agent: Agent };

async function push(
  with_: Credentials,
  target: PushTarget,
  kind: Upload['kind'],
  make: MakeArchive,
  signal: AbortSignal,
): Promise<number> {
  const { promise: answered, resolve, reject } = Promise.withResolvers<void>();
  answered.catch(() => undefined);
  const upload = request(
    {
      ...with_,
      host: target.address,
      port: target.port,
      method: 'PUT',
      path: `/v1/migrations/${target.migration}/${kind}`,
      minVersion: 'TLSv1.3',
      signal,
      checkServerIdentity: (_, certificate) => checkNode(String(certificate.subject.CN), target.node),
    },
    (response) => {
      const said: Buffer[] = [];
      response.on('data', (chunk: Buffer) => said.push(chunk));
      response.on('end', () =>
        response.statusCode === 204 ? resolve() : reject(new Error(Buffer.concat(said).toString())),
      );
      response.on('error', reject);
    },
  );
  upload.on('error', reject);
  upload.flushHeaders();
  let bytes = 0;
  try {
    const archive = await make();
    archive.stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    await Promise.all([pipeline(archive.stream, upload), answered, archive.done]);
    return bytes;
  } catch (error) {
    upload.destroy();
    if (error instanceof GodwitError) throw error;
    throw new GodwitError('E_TRANSFER', `${kind} did not reach ${target.node}: ${messageOf(error)}`, { cause: error });
  }
}

function checkNode(name: string, expected: string): Error | undefined {
  return name === `data.${expected}` ? undefined : new Error(`certificate names ${name}, expected data.${expected}`);
}
