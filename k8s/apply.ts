import type { KubeClient } from './client.ts';
import type { KubeObject } from './objects/meta.ts';
import type { ObjectKey, Resource } from './resource.ts';

/** Owner of the fields that our controllers apply. */
export const fieldManager = 'godwit';

/** Makes the object have these fields, whoever wrote others; creates it when there is none. */
export function apply(
  client: KubeClient,
  resource: Resource,
  object: { metadata: ObjectKey } & object,
): Promise<KubeObject> {
  return client.patch(resource, object.metadata, { kind: 'apply', fieldManager, body: object });
}

/** Replaces what we have said in the object's status: fields that are left out go. With its uid, of that very object. */
export function applyStatus(
  client: KubeClient,
  resource: Resource,
  key: ObjectKey & { uid?: string },
  status: object,
): Promise<KubeObject> {
  const body = { metadata: key, status };
  return client.patch(resource, key, { kind: 'apply', fieldManager, body }, { subresource: 'status' });
}
