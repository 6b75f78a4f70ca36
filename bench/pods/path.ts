/** One way in which a pod comes to another node. */
export interface Path {
  name: string;
  /** A program with this much memory to move, until `stop`. */
  start(mib: number): Promise<void>;
  /** Moves it once, and says what was measured, in ms. @throws Error when it did not arrive with its memory */
  move(): Promise<Record<string, number>>;
  stop(): Promise<void>;
}

/** What the counter runs with wherever it runs: its bundle's own settings. */
export const counterEnv = (mib: number): Record<string, string> => ({
  PATH: '/usr/bin:/bin',
  UV_USE_IO_URING: '0',
  NODE_OPTIONS: '--max-semi-space-size=1',
  DIRTY_MIB_PER_S: '0',
  PORT: '8080',
  MIB: String(mib),
});
