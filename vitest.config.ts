import { defineConfig } from 'vitest/config';

// unit: pure, in threads. The others start real servers, namespaces and containers: one process a file, few at once.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          testTimeout: 30_000,
          maxWorkers: '100%',
          include: [
            '{lib,k8s,sidecar,monitor,decider,migrator,cli,lab,bench,apps,scripts}/**/*.test.ts',
            'test/arch/**/*.test.ts',
          ],
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          pool: 'forks',
          maxWorkers: '100%',
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      machines('e2e', ['test/{e2e,chaos}/**/*.test.ts']),
      machines('kubernetes', ['test/kubernetes/*.test.ts']),
      machines('kubernetes-more', ['test/kubernetes/{faults,operations}/*.test.ts']),
      // what they wait for is that a node gets hot: beside others it gets no CPU to become so
      machines('load', ['test/load/*.test.ts'], 1),
    ],
  },
});

/** Tests that raise whole machines, which spend much of their time waiting. */
function machines(name: string, include: string[], maxWorkers = 2) {
  return {
    test: { name, include, pool: 'forks' as const, maxWorkers, testTimeout: 600_000, hookTimeout: 300_000 },
  };
}
