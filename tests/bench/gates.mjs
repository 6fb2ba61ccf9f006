// How fast the gates disclosure and identifiers read text, in how much memory, and what they find in the seeded corpus.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runOk } from '../e2e/lib/run.mjs';
import { BUILD } from '../e2e/lib/tree.mjs';
import { MiB } from './measure.mjs';
import { medians } from './report.mjs';

const PROGRAM = path.join(BUILD, 'tests/bench/gates');
const CORPUS = fileURLToPath(new URL('../corpus/gates', import.meta.url));
const SPEED = 300; // MB a second and core
const MEMORY = 128 * MiB;
const KINDS = {
  people: 'a table of people, 12 columns',
  cells: 'a table of numbers, 100 million cells a GiB',
  line: 'one line without an end',
};

async function answer(...args) {
  const { stdout } = await runOk(PROGRAM, args, { timeout: 600_000 });
  return JSON.parse(stdout);
}

/** wc -l on the very same file: about what it costs to have the bytes pass by. */
async function wcSeconds(file) {
  const began = performance.now();
  await runOk('wc', ['-l', file]);
  return (performance.now() - began) / 1000;
}

async function benchKind(report, file, kind, size, rounds) {
  await runOk(PROGRAM, ['make', kind, file, String(size)], { timeout: 600_000 });
  const rows = [];
  for (let round = 0; round < rounds; round++) {
    const { bytes, seconds, peak } = await answer('read', file);
    rows.push({ 'MB/s and core': bytes / 1e6 / seconds, 'peak MiB': peak / MiB, 'wc -l MB/s': bytes / 1e6 / (await wcSeconds(file)) });
  }
  fs.rmSync(file);
  const m = medians(rows);
  report.add(`both gates over ${KINDS[kind]}`, 'airlock', m);
  report.goal(`both gates over ${KINDS[kind]}`, m['MB/s and core'], { atLeast: SPEED, unit: 'MB/s' });
  report.goal(`most memory over ${KINDS[kind]}`, m['peak MiB'], { atMost: MEMORY / MiB, unit: 'MiB' });
}

export async function benchGates(report, scratch, size, rounds) {
  for (const kind of Object.keys(KINDS)) await benchKind(report, path.join(scratch, `${kind}.csv`), kind, size, rounds);
  for (const { finding, recall, precision, true: trues, false: falses } of await answer('corpus', CORPUS)) {
    report.add(`corpus: ${finding}`, 'airlock', { recall, precision, 'true cases': trues, 'false cases': falses });
  }
}
