import type { Controller, ControllerTools } from './controller.ts';
import { createMigrationController } from './migration/controller.ts';

/** All controllers of the process; each is a line here. */
export function createControllers(tools: ControllerTools): Controller[] {
  return [createMigrationController(tools)];
}
