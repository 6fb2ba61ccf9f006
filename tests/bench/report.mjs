// What the benchmark says: a row a measurement, and for each goal whether it was reached in this very run.
import { median } from './measure.mjs';

const say = (text) => process.stdout.write(`${text}\n`);
const number = (value) => (typeof value === 'number' ? value.toPrecision(4) : value);

/** Medians of a list of measurements, key by key. */
export function medians(list) {
  return Object.fromEntries(Object.keys(list[0]).map((key) => [key, median(list.map((one) => one[key]))]));
}

export class Report {
  rows = [];
  goals = [];

  line(text = '') {
    say(text);
  }

  add(what, who, values) {
    this.rows.push({ what, who, ...values });
    say(`${what.padEnd(44)} ${who.padEnd(9)} ${Object.entries(values).map(([k, v]) => `${k} ${number(v)}`).join('  ')}`);
  }

  /** A goal is a number and its limit: at least, or at most. */
  goal(what, value, { atLeast, atMost, unit = 'x' }) {
    const reached = atLeast === undefined ? value <= atMost : value >= atLeast;
    const limit = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
    this.goals.push({ what, value, limit, unit, reached });
  }

  summary() {
    say('\nGoals, from the medians above:');
    for (const { what, value, limit, unit, reached } of this.goals) {
      say(`  ${reached ? 'reached' : 'MISSED '}  ${what.padEnd(66)} ${number(value)} ${unit} (${limit})`);
    }
    const missed = this.goals.filter((goal) => !goal.reached).length;
    say(missed ? `\n${missed} of ${this.goals.length} goals were missed in this run.` : `\nAll ${this.goals.length} goals were reached.`);
  }
}
