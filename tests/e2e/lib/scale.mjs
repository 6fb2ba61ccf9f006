// How often the tests that repeat themselves do so: enough to mean something by default, all of it with AIRLOCK_LONG=1.
export const LONG = process.env.AIRLOCK_LONG === '1';

/** The one count or the other; `variable` names an environment variable that beats both. */
export function times(usual, long, variable) {
  return Number(process.env[variable] ?? (LONG ? long : usual));
}
