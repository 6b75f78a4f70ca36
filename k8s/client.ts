import { z } from 'zod';
import { parseJson } from '../lib/parse.ts';
import type { ApiAccess } from './access.ts';
import { type Call, createHttp, type Method } from './http.ts';
import { hasStatus } from './kube-error.ts';
import { type KubeObject, kubeObjectSchema } from './objects/meta.ts';
import { apiVersionOf, listPath, type ObjectKey, objectPath, type Resource, type Selection } from './resource.ts';
import { type WatchEvent, watchLines } from './watch.ts';

export interface CallOptions {
  signal?: AbortSignal;
}

export interface KubeList {
  items: unknown[];
  resourceVersion: string;
}

/**
 * Body and content type of a patch. `json`: operations of RFC 6902. `merge`: RFC 7386. `apply`: server-side, of all that
 * `fieldManager` wants; other managers' fields are taken over.
 */
export type Patch =
  | { kind: 'json'; operations: readonly object[] }
  | { kind: 'merge'; body: object }
  | { kind: 'apply'; fieldManager: string; body: object };

export interface DeleteOptions extends CallOptions {
  gracePeriodSeconds?: number;
  /** Deletes that object only, and no later one of its name. */
  uid?: string;
}

/** Plain JSON objects of the API, without the library's classes. Calls throw KubeError; without an answer in 10 s too. */
export interface KubeClient {
  /** Undefined when there is none. */
  get(resource: Resource, key: ObjectKey, options?: CallOptions): Promise<KubeObject | undefined>;
  list(resource: Resource, selection: Selection, options?: CallOptions): Promise<KubeList>;
  /** Creates the object or, with `subresource`, posts to one of the object of its name. `dryRun`: the server only says whether it would. */
  create(
    resource: Resource,
    object: { metadata: { name: string; namespace?: string } } & object,
    options?: CallOptions & { subresource?: string; dryRun?: boolean },
  ): Promise<unknown>;
  /** Replaces an object; compare-and-set where it carries its `resourceVersion`. */
  replace(
    resource: Resource,
    object: { metadata: { name: string; namespace?: string } } & object,
    options?: CallOptions,
  ): Promise<KubeObject>;
  patch(
    resource: Resource,
    key: ObjectKey,
    patch: Patch,
    options?: CallOptions & { subresource?: string },
  ): Promise<KubeObject>;
  /** False when there was none. */
  delete(resource: Resource, key: ObjectKey, options?: DeleteOptions): Promise<boolean>;
  /**
   * Changes since `resourceVersion`, with bookmarks; ends when the server ends it, after `seconds`. Throws without a word of the server
   * for 10 s longer, and when `signal` is aborted.
   */
  watch(
    resource: Resource,
    selection: Selection & { resourceVersion: string; seconds: number },
    options: { signal: AbortSignal },
  ): AsyncIterable<WatchEvent>;
}

const contentTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

const listSchema = z.object({
  metadata: z.object({ resourceVersion: z.string(), continue: z.string().optional() }),
  items: z.array(z.unknown()).nullable(),
});

export function createKubeClient(access: ApiAccess): KubeClient {
  const http = createHttp(access);
  const { send } = http;
  const object = async (doing: string, method: Method, path: string, call: Call): Promise<KubeObject> =>
    parseJson(kubeObjectSchema, await send(doing, method, path, call), doing);
  return {
    get: async (resource, key, options = {}) => {
      const doing = `reading ${nameOf(resource, key)}`;
      try {
        return await object(doing, 'GET', objectPath(resource, key), options);
      } catch (error) {
        if (hasStatus(error, 404)) return undefined;
        throw error;
      }
    },
    list: async (resource, { namespace, ...selectors }, options = {}) => {
      const doing = `listing ${resource.plural}`;
      const found: unknown[] = [];
      for (let next: string | undefined; ; ) {
        const query = { ...selectors, limit: '500', continue: next };
        const text = await send(doing, 'GET', listPath(resource, namespace), { ...options, query });
        const { metadata, items } = parseJson(listSchema, text, doing);
        found.push(...(items ?? []));
        next = metadata.continue || undefined;
        if (next === undefined) return { items: found, resourceVersion: metadata.resourceVersion };
      }
    },
    create: async (resource, body, { subresource, dryRun, ...options } = {}) => {
      const { name, namespace } = body.metadata;
      const key = { name, ...(namespace !== undefined && { namespace }) };
      const path = subresource ? objectPath(resource, key, subresource) : listPath(resource, namespace);
      const doing = `creating ${nameOf(resource, key)}${subresource ? `/${subresource}` : ''}`;
      const query = dryRun ? { dryRun: 'All' } : {};
      return JSON.parse(await send(doing, 'POST', path, { ...options, query, body: withKind(resource, body) }));
    },
    replace: (resource, body, options = {}) => {
      const { name, namespace } = body.metadata;
      const key = { name, ...(namespace !== undefined && { namespace }) };
      const call = { ...options, body: withKind(resource, body) };
      return object(`replacing ${nameOf(resource, key)}`, 'PUT', objectPath(resource, key), call);
    },
    patch: (resource, key, patch, { subresource, ...options } = {}) =>
      object(
        `changing ${nameOf(resource, key)}${subresource ? `/${subresource}` : ''}`,
        'PATCH',
        objectPath(resource, key, subresource),
        { ...options, ...patchCall(resource, patch) },
      ),
    delete: async (resource, key, { gracePeriodSeconds, uid, ...options } = {}) => {
      const body = { gracePeriodSeconds, ...(uid !== undefined && { preconditions: { uid } }) };
      try {
        await send(`deleting ${nameOf(resource, key)}`, 'DELETE', objectPath(resource, key), {
          ...options,
          body: { apiVersion: 'v1', kind: 'DeleteOptions', ...body },
        });
        return true;
      } catch (error) {
        if (hasStatus(error, 404)) return false;
        throw error;
      }
    },
    watch: (resource, selection, options) => watchLines(http, resource, selection, options.signal),
  };
}

function patchCall(resource: Resource, patch: Patch): Call {
  const contentType = contentTypes[patch.kind];
  if (patch.kind === 'json') return { contentType, body: patch.operations };
  if (patch.kind === 'merge') return { contentType, body: patch.body };
  const query = { fieldManager: patch.fieldManager, force: 'true' };
  return { contentType, query, body: withKind(resource, patch.body) };
}

const withKind = (resource: Resource, body: object): object => ({
  apiVersion: apiVersionOf(resource),
  kind: resource.kind,
  ...body,
});

const nameOf = ({ kind }: Resource, { namespace, name }: ObjectKey): string =>
  `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
