/**
 * The part of reflect-metadata that @peculiar/x509's dependency injection asks for: metadata of classes, by key.
 * Nothing in it is inherited, because none of its classes is.
 */
const metadata = new WeakMap<object, Map<unknown, unknown>>();

const get = (key: unknown, target: object): unknown => metadata.get(target)?.get(key);
const define = (key: unknown, value: unknown, target: object): void => {
  const known = metadata.get(target) ?? new Map<unknown, unknown>();
  metadata.set(target, known.set(key, value));
};

if (!('getMetadata' in Reflect))
  Object.assign(Reflect, { getMetadata: get, getOwnMetadata: get, defineMetadata: define });
