/** `node bench/decider.ts [--seconds 30 …]` measures; the other roles are its children. */
const role = process.argv[2];
if (role === 'publisher') await import('./decider/publisher.ts');
else if (role === 'decider') await import('./decider/decider-process.ts');
else await import('./decider/orchestrator.ts');
