// An API that keeps nothing: some CPU work for each request, the same answer from any copy of it.
import { runApp } from '../shared/app.ts';
import { HttpError } from '../shared/router.ts';
import { readSettings } from '../shared/settings.ts';
import { work } from './work.ts';

const maxUnits = 1000;
const probe = { input: 'godwit', units: 1 };

const settings = readSettings(process.env, {
  PORT: { fallback: 8080, min: 0, max: 65_535 },
  WORK_UNITS: { fallback: 2, min: 0, max: maxUnits },
});
const expected = work(probe.input, probe.units);

await runApp({
  app: 'stateless-api',
  port: settings.PORT,
  state: { expected: () => expected, recompute: () => work(probe.input, probe.units) },
  routes: () => ({
    'GET /': ({ query }) => {
      const input = query.get('input') ?? '';
      const units = Number(query.get('units') ?? settings.WORK_UNITS);
      if (!(units >= 0 && units <= maxUnits)) throw new HttpError(400, `units: expected 0 to ${maxUnits}`);
      return { body: { input, units, digest: work(input, units) } };
    },
  }),
});
