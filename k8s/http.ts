import {
  type HttpMethod,
  IsomorphicFetchHttpLibrary,
  type KubeConfig,
  RequestContext,
  type ResponseContext,
} from '@kubernetes/client-node';
import { refusalOf, toKubeError } from './kube-error.ts';

/** How long the API server may take for a whole answer. */
export const answerMs = 10_000;

export interface Call {
  query?: Record<string, string | undefined>;
  body?: unknown;
  contentType?: string;
  timeoutMs?: number;
  signal?: AbortSignal;
}

export interface Http {
  /** The text of a success. @throws KubeError */
  send(doing: string, method: HttpMethod, path: string, call: Call): Promise<string>;
  /** The answer, of whatever status, as soon as it begins. @throws KubeError when there is none */
  open(doing: string, method: HttpMethod, path: string, call: Call): Promise<ResponseContext>;
}

/**
 * Requests by the library's HTTP client. The library makes connections of its own for every request; here one pool is kept until a
 * request gets no answer, for then the credentials may be new.
 */
export function createHttp(config: KubeConfig): Http {
  const http = new IsomorphicFetchHttpLibrary();
  const server = config.getCurrentCluster()?.server.replace(/\/$/, '') ?? '';
  let pool: ReturnType<RequestContext['getDispatcher']>;

  const open: Http['open'] = async (doing, method, path, { query = {}, body, contentType, signal, timeoutMs }) => {
    const context = new RequestContext(`${server}${path}`, method);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) context.setQueryParam(name, value);
    context.setHeaderParam('Accept', 'application/json');
    if (body !== undefined) {
      context.setHeaderParam('Content-Type', contentType ?? 'application/json');
      context.setBody(JSON.stringify(body));
    }
    const signals = [signal, timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs)];
    context.setSignal(AbortSignal.any(signals.filter((one) => one !== undefined)));
    try {
      await config.applySecurityAuthentication(context);
      pool ??= context.getDispatcher();
      if (pool) context.setDispatcher(pool);
      return await http.send(context).toPromise();
    } catch (error) {
      pool = undefined;
      throw toKubeError(error, doing);
    }
  };

  const send: Http['send'] = async (doing, method, path, call) => {
    const response = await open(doing, method, path, { timeoutMs: answerMs, ...call });
    const text = await response.body.text().catch((error: unknown) => {
      throw toKubeError(error, doing);
    });
    if (response.httpStatusCode >= 400) throw refusalOf(doing, response.httpStatusCode, text);
    return text;
  };
  return { send, open };
}
