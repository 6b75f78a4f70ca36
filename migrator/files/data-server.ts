import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';

export interface DataServerOptions {
  port: number;
  tls: { ca: string; cert: string; key: string };
  log: Logger;
  /** Takes one upload; `peer` is the node that sends it, by its certificate. Throws to refuse. */
  accept(upload: Upload): Promise<void>;
}

export interface Upload {
  peer: string;
  migration: string;
  /** `images`: CRIU's metadata. `files-0`, `files-1`: written files by level. `image`: the root file system. */
  kind: 'images' | 'files-0' | 'files-1' | 'image';
  body: IncomingMessage;
}

const route = /^\/v1\/migrations\/([A-Za-z0-9-]+)\/(images|files-0|files-1|image)$/;

/** HTTPS with client certificates: `PUT /v1/migrations/<id>/<kind>`, body a tar stream. Common names are `data.<node>`. */
export async function serveData(options: DataServerOptions): Promise<Server> {
  const [ca, cert, key] = await Promise.all(
    [options.tls.ca, options.tls.cert, options.tls.key].map((file) => readFile(file)),
  );
  const tls = { ca, cert, key, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' as const };
  const server = createServer(tls as Parameters<typeof createServer>[0], (request, response) => {
    void answer(request, response, options);
  });
  server.keepAliveTimeout = 120_000;
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, resolve);
  });
  return server;
}

async function answer(request: IncomingMessage, response: ServerResponse, options: DataServerOptions): Promise<void> {
  const match = route.exec(request.url ?? '');
  const peer = nodeOf(request.socket as TLSSocket);
  try {
    if (request.method !== 'PUT' || !match?.[1] || !match[2] || !peer) {
      response.writeHead(404).end();
      return;
    }
    await options.accept({ peer, migration: match[1], kind: match[2] as Upload['kind'], body: request });
    response.writeHead(204).end();
  } catch (error) {
    options.log.warn({ err: error, url: request.url, peer }, 'upload refused');
    response.writeHead(409, { 'content-type': 'text/plain' }).end(messageOf(error));
    request.resume();
  }
}

function nodeOf(socket: TLSSocket): string | undefined {
  const name = socket.getPeerCertificate().subject?.CN;
  const text = Array.isArray(name) ? name[0] : name;
  return text?.startsWith('data.') ? text.slice('data.'.length) : undefined;
}
