/** An app to build: a folder of `apps/` with the environment that its bundle starts with, to be changed by who runs it. */
export interface App {
  readonly name: string;
  readonly runtime: 'node' | 'go';
  readonly env: Readonly<Record<string, string>>;
}

export const catalogue: readonly App[] = [
  { name: 'counter', runtime: 'node', env: { MIB: '64', DIRTY_MIB_PER_S: '0' } },
  { name: 'stateless-api', runtime: 'node', env: { WORK_UNITS: '2' } },
  { name: 'shopping-cart', runtime: 'node', env: { MAX_SESSIONS: '10000' } },
];
