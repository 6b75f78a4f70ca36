import { z } from 'zod';
import { choice } from '../flags.ts';

export const kindNames = ['nodes', 'workloads', 'migrations', 'decisions'] as const;
export type KindName = (typeof kindNames)[number];

const short: Record<string, KindName> = { no: 'nodes', wl: 'workloads', mig: 'migrations', dec: 'decisions' };

/** `nodes`, `node` or `no`, and so on. */
export const kindFlag = z
  .string()
  .transform((text) => short[text] ?? kindNames.find((name) => name === text || name === `${text}s`) ?? text)
  .pipe(choice('kind', kindNames));
