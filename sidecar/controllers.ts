import type { Controller, ControllerTools } from './controller.ts';

/** All controllers of the process; each is a line here. */
export function createControllers(_tools: ControllerTools): Controller[] {
  return [];
}
