import { z } from 'zod';

/** Kubernetes-like names: lower case, digits, `-` and `.`; at most 253 characters. `_` is kept free: it encodes `.` in subjects. */
export const nameSchema = z
  .string()
  .max(253)
  .regex(
    /^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/,
    'lower-case letters, digits, "-" and ".", starting and ending with a letter or digit',
  );

/** Migration and decision ids: what may stand in a subject, a file name and a KV key. */
export const idSchema = z.string().regex(/^[A-Za-z0-9][-A-Za-z0-9]{0,127}$/, 'letters, digits and "-"');

export const tierSchema = z.enum(['edge', 'cloud']);
export type Tier = z.infer<typeof tierSchema>;

export const timestampSchema = z.number().int().nonnegative();
export const bytesSchema = z.number().int().nonnegative();
export const coresSchema = z.number().nonnegative();
export const ratioSchema = z.number().min(0).max(1);

export const strategySchema = z.enum(['restart', 'cold', 'warm', 'live', 'application']);
export type Strategy = z.infer<typeof strategySchema>;
export const requestedStrategySchema = z.enum([...strategySchema.options, 'auto']);
export type RequestedStrategy = z.infer<typeof requestedStrategySchema>;

/** What a workload must not lose when it moves: nothing, its written files, or its memory as well. */
export const keepsSchema = z.enum(['nothing', 'files', 'memory']);
export type Keeps = z.infer<typeof keepsSchema>;
