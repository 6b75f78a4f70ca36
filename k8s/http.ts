import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import { text } from 'node:stream/consumers';
import type { ApiAccess } from './access.ts';
import { refusalOf, toKubeError } from './kube-error.ts';

/** How long the API server may take for a whole answer. */
export const answerMs = 10_000;

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface Call {
  query?: Record<string, string | undefined>;
  body?: unknown;
  contentType?: string;
  /** For the whole answer. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

export interface Http {
  /** The text of a success. @throws KubeError */
  send(doing: string, method: Method, path: string, call: Call): Promise<string>;
  /** The answer, of whatever status, as soon as it begins. @throws KubeError when there is none */
  open(doing: string, method: Method, path: string, call: Call): Promise<IncomingMessage>;
}

/** Requests over connections that are kept and used again; a deadline counts for the whole answer. */
export function createHttp(access: ApiAccess): Http {
  const { server = '', proxyUrl } = access.getCurrentCluster() ?? {};
  let pool: Agent | undefined;

  const open: Http['open'] = async (doing, method, path, call) => {
    try {
      const options: RequestOptions = { method, headers: {}, ...(call.signal && { signal: call.signal }) };
      await access.applyToHTTPSOptions(options);
      const { agent, headers, ca, cert, key, rejectUnauthorized, servername } = options;
      pool ??= new Agent({ ca, cert, key, rejectUnauthorized, servername, keepAlive: true });
      const url = urlOf(server, path, call.query);
      return await exchange(url, { ...options, agent: proxyUrl ? agent : pool, headers: { ...headers } }, call);
    } catch (error) {
      // its credentials may be out of date; who still waits on one of its connections keeps that
      if (!call.signal?.aborted) pool = undefined;
      throw toKubeError(error, doing);
    }
  };

  const send: Http['send'] = async (doing, method, path, call) => {
    const response = await open(doing, method, path, { timeoutMs: answerMs, ...call });
    const body = await textOf(response, doing);
    const { statusCode = 0 } = response;
    if (statusCode >= 400) throw refusalOf(doing, statusCode, body);
    return body;
  };
  return { send, open };
}

export async function textOf(response: IncomingMessage, doing: string): Promise<string> {
  try {
    return await text(response);
  } catch (error) {
    throw toKubeError(error, doing);
  }
}

function urlOf(server: string, path: string, query: Call['query'] = {}): URL {
  const url = new URL(`${server.replace(/\/$/, '')}${path}`);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
  return url;
}

function exchange(url: URL, options: RequestOptions, { body, contentType, timeoutMs }: Call): Promise<IncomingMessage> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    ...options.headers,
    accept: 'application/json',
    'user-agent': 'godwit',
    ...(payload !== undefined && {
      'content-type': contentType ?? 'application/json',
      'content-length': Buffer.byteLength(payload),
    }),
  };
  return new Promise((resolve, reject) => {
    const request = httpsRequest(url, { ...options, headers }, resolve);
    // after the answer has begun this breaks its body off
    const late = (): void => void request.destroy(new Error(`no whole answer in ${timeoutMs} ms`));
    const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs);
    request.once('close', () => clearTimeout(timer));
    request.on('error', reject);
    request.end(payload);
  });
}
