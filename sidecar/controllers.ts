import type { Controller, ControllerTools } from './controller.ts';
import { createEdgeNodeController } from './edge-node/controller.ts';
import { createMigrationController } from './migration/controller.ts';
import { createPolicyController } from './policy/controller.ts';

/** All controllers of the process; each is a line here. */
export function createControllers(tools: ControllerTools): Controller[] {
  return [createEdgeNodeController(tools), createPolicyController(tools), createMigrationController(tools)];
}
