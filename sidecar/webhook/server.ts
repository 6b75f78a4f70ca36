import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { text } from 'node:stream/consumers';
import { GodwitError, messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { InjectionSettings } from '../injection/settings.ts';
import { answerReview } from './review.ts';

/** etcd takes objects of 1.5 MiB at most; a review holds one, and its old self. */
const maxBytes = 4 << 20;

export interface WebhookServerOptions {
  /** Undefined as long as nobody has said what to inject. */
  settings(): InjectionSettings | undefined;
  log: Logger;
}

/** Answers reviews at `/inject`. A fault is an HTTP error, at which the API server admits the pod as it is. */
export function createWebhookServer({ settings, log }: WebhookServerOptions): Server {
  const answer = async (request: IncomingMessage): Promise<object> => {
    const known = settings();
    if (!known) throw new GodwitError('E_SETUP', 'there are no settings to inject by');
    return answerReview(await bodyOf(request), known);
  };
  const inject = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      send(response, 200, await answer(request));
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'a pod is admitted without a sidecar');
      send(response, 500, { error: messageOf(error) });
    }
  };
  return createServer((request, response) => {
    if (request.url === '/healthz') send(response, settings() ? 200 : 503, {});
    else if (request.method === 'POST' && request.url?.split('?')[0] === '/inject') void inject(request, response);
    else send(response, 404, {});
  });
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw new RangeError(`more than ${maxBytes} bytes`);
  return text(request);
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
