import type { Hold } from '../world/model.ts';
import type { HoldParams } from './params.ts';

/** Fires at `abnormalities` hits in a row (>=), clears after `normalities` samples in a row that are none. */
export function count(hold: Hold, abnormal: boolean, at: number, params: HoldParams): void {
  if (abnormal) {
    if (hold.hits === 0) hold.since = at;
    hold.hits++;
    hold.normals = 0;
    if (hold.hits >= params.abnormalities) hold.hot = true;
    return;
  }
  hold.normals++;
  if (hold.hot && hold.normals < params.normalities) return;
  hold.hot = false;
  hold.hits = 0;
}
