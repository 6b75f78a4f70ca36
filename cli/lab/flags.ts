import { z } from 'zod';
import { nameSchema } from '../../lib/contract/names.ts';
import type { Io } from '../io.ts';

export const labFlag = nameSchema.default('lab');

/** One end of a link, as people write it. */
export const linkFlag = z.string().transform((text, context) => {
  const [, kind, name = ''] = /^(node|site):(.+)$/.exec(text) ?? [];
  if (kind === 'node') return { node: name };
  if (kind === 'site') return { site: name };
  context.addIssue({ code: 'custom', message: `expected node:NAME or site:NAME, not ${JSON.stringify(text)}` });
  return z.NEVER;
});

/** The lab tells what takes long. */
export const progress = (io: Io) => ({ onProgress: (line: string) => io.err(`${line}\n`) });
