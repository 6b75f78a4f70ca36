import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { resources } from '../resource.ts';
import { edgeNodeSpecSchema, edgeNodeStatusSchema } from './edge-node.ts';
import { migrationSpecSchema, migrationStatusSchema } from './migration.ts';

interface Schema {
  [key: string]: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
}

const folder = resolve(import.meta.dirname, '../manifests/crds');
const crdOf = async (plural: string) => parse(await readFile(resolve(folder, `${plural}.yaml`), 'utf8'));

/** What both ways of writing a schema say: types, names, values, defaults, patterns and limits of texts. */
const compared = ['type', 'enum', 'default', 'pattern', 'maxLength'];

function comparable(schema: Schema): object {
  const kept = Object.fromEntries(Object.entries(schema).filter(([key]) => compared.includes(key)));
  // zod writes a record over an enum by its names
  const names = (schema.propertyNames as Schema | undefined)?.enum as string[] | undefined;
  const values = schema.additionalProperties as Schema;
  const properties = names ? Object.fromEntries(names.map((name) => [name, values])) : schema.properties;
  return {
    ...kept,
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, comparable(one)])),
      required: [...((names ? [] : schema.required) ?? [])].sort(),
    }),
    ...(schema.items && { items: comparable(schema.items) }),
  };
}

const ofZod = (schema: z.ZodType): object => comparable(z.toJSONSchema(schema, { io: 'input' }) as Schema);

describe.each([
  ['edgenodes', resources.edgeNodes, edgeNodeSpecSchema, edgeNodeStatusSchema],
  ['migrations', resources.migrations, migrationSpecSchema, migrationStatusSchema],
] as const)('%s', (plural, resource, spec, status) => {
  test('the definition says what the schema in the code does', async () => {
    const { versions } = (await crdOf(plural)).spec;
    const { properties } = versions[0].schema.openAPIV3Schema;
    expect(comparable(properties.spec)).toEqual(ofZod(spec));
    expect(comparable(properties.status)).toEqual(ofZod(status));
  });

  test('is served as the code asks for it', async () => {
    const { group, scope, names, versions } = (await crdOf(plural)).spec;
    expect({ group, kind: names.kind, plural: names.plural, version: versions[0].name, scope }).toEqual({
      group: resource.group,
      kind: resource.kind,
      plural: resource.plural,
      version: resource.version,
      scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    });
  });
});
