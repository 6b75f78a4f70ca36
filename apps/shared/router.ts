import { URLPattern } from 'node:url';

interface AppRequest {
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly query: URLSearchParams;
  readonly body: Buffer;
}

/** `body` is sent as it is when it is bytes, as JSON otherwise. */
export interface AppAnswer {
  readonly status?: number;
  readonly type?: string;
  readonly body: unknown;
}

type Handler = (request: AppRequest) => AppAnswer | Promise<AppAnswer>;

/** Handlers by method and path pattern, as in `PUT /sessions/:session/items/:sku`. */
export type Routes = Readonly<Record<string, Handler>>;

/** A refusal that the client shall see with its status. */
export class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'HttpError';
    this.status = status;
  }
}

interface Match {
  readonly handler: Handler;
  readonly params: AppRequest['params'];
}

/** Compiles routes to a lookup; the first that matches wins. Throws `HttpError` 404 where none does. */
export function router(routes: Routes): (method: string, pathname: string) => Match {
  const compiled = Object.entries(routes).map(([route, handler]) => {
    const [method, pathname] = route.split(' ', 2);
    return { method, pattern: new URLPattern({ pathname: pathname ?? '/' }), handler };
  });
  return (method, pathname) => {
    for (const { method: wanted, pattern, handler } of compiled) {
      const groups = method === wanted && pattern.exec({ pathname })?.pathname.groups;
      if (groups) return { handler, params: groups };
    }
    throw new HttpError(404, `no such route: ${method} ${pathname}`);
  };
}
