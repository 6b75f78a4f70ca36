import { z } from 'zod';
import { nameSchema } from '../lib/contract/names.ts';
import { parseAs } from '../lib/parse.ts';

/** Goes into lists that a shell and `mount` read: no blanks, no commas, no colons. */
const pathSchema = z.string().regex(/^\/[^\s,:]*$/, 'an absolute path without blanks, commas and colons');

/** A folder or file of this machine that nodes see, read-only. */
const bindSchema = z.strictObject({
  source: pathSchema,
  target: pathSchema,
  writable: z.boolean().optional(),
});
export type Bind = z.infer<typeof bindSchema>;

const packageSchema = z.string().regex(/^[a-z0-9][-+.a-z0-9]+$/, 'the name of a Debian package');

const nodeSpecSchema = z.strictObject({
  name: nameSchema.max(40),
  kind: z.enum(['hub', 'edge', 'cloud']),
  site: nameSchema.max(40),
  cores: z.number().min(0.01),
  memoryBytes: z
    .number()
    .int()
    .min(32 * 2 ** 20),
});
export type NodeSpec = z.infer<typeof nodeSpecSchema>;

export const labSpecSchema = z
  .strictObject({
    name: nameSchema.max(40),
    nodes: z.array(nodeSpecSchema).min(1).max(80),
    binds: z.array(bindSchema).default([]),
    /** Debian packages that the nodes have beside those that every lab has. */
    packages: z.array(packageSchema).default([]),
    /** Further names by which nodes know a node. */
    aliases: z.record(nameSchema, nameSchema).default({}),
  })
  .superRefine(({ nodes, aliases }, context) => {
    for (const [alias, name] of Object.entries(aliases))
      if (!nodes.some((node) => node.name === name))
        context.addIssue({ code: 'custom', path: ['aliases', alias], message: `there is no node ${name}` });
    for (const [index, { name }] of nodes.entries()) {
      const first = nodes.findIndex((node) => node.name === name);
      if (first < index)
        context.addIssue({ code: 'custom', path: ['nodes', index, 'name'], message: `is the name of nodes[${first}]` });
    }
  });
export type LabSpec = z.infer<typeof labSpecSchema>;
export type LabSpecInput = z.input<typeof labSpecSchema>;

/** @throws E_CONFIG naming every faulty field. */
export function parseLabSpec(value: unknown): LabSpec {
  return parseAs(labSpecSchema as z.ZodType<LabSpec>, value, 'lab', 'E_CONFIG');
}
