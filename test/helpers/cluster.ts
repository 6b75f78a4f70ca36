import { programs, requireProgram } from '../../lab/kubernetes/software.ts';
import { labSettings } from '../../lab/settings.ts';
import { hasCode } from '../../lib/errors.ts';

/** Why a cluster can not be raised on this machine; undefined when it can. */
export function missingForCluster(): Promise<string | undefined> {
  return Promise.all(programs.map((program) => requireProgram(labSettings(), program))).then(
    () => undefined,
    (error: unknown) => {
      if (hasCode(error, 'E_SETUP')) return `${error.message}: ${error.next}`;
      throw error;
    },
  );
}
