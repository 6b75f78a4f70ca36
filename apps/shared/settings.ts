/** What a number read from the environment may be. */
export interface NumberRule {
  readonly fallback: number;
  readonly min: number;
  readonly max: number;
}

/**
 * Reads the named numbers of the environment; unset or empty ones take their fallback.
 * Plain code instead of a schema library: all that an app loads is memory that a migration carries.
 *
 * @throws Error that names every faulty variable and what was expected of it.
 */
export function readSettings<Name extends string>(
  env: Readonly<Record<string, string | undefined>>,
  rules: Readonly<Record<Name, NumberRule>>,
): Record<Name, number> {
  const faults: string[] = [];
  const entries = Object.entries<NumberRule>(rules).map(([name, { fallback, min, max }]) => {
    const text = env[name]?.trim() || String(fallback);
    const value = Number(text);
    if (!(value >= min && value <= max)) faults.push(`${name}: expected a number from ${min} to ${max}, got "${text}"`);
    return [name, value] as const;
  });
  if (faults.length > 0) throw new Error(faults.join('; '));
  return Object.fromEntries(entries) as Record<Name, number>;
}
