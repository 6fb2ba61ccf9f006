// Every abuse case that this release answers for has a test named after it: "T07 …" here, t07_… in C.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { ROOT } from './harness.mjs';

const range = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
// 62 is about a web interface.
const CASES = [...range(1, 61), ...range(63, 68)].map((number) => String(number).padStart(2, '0'));

const filesIn = (dir, end) => fs.readdirSync(path.join(ROOT, dir), { recursive: true })
  .filter((name) => name.endsWith(end) && !name.includes('node_modules')).map((name) => path.join(ROOT, dir, name));

// A name counts where a test is made, not in a comment. abuse-http makes tests from a table of [case, what, …].
const SOURCES = [
  ['tests/e2e', '.test.mjs', /\btest\([`'"]T(\d\d) |\[\s*'T(\d\d)', '/g],
  ['tests/unit', '.c', /\b\w+\(\s*t(\d\d)_/g],
];

test('every abuse case has a test named after it', () => {
  const found = new Set();
  for (const [dir, end, pattern] of SOURCES) {
    for (const file of filesIn(dir, end)) {
      for (const match of fs.readFileSync(file, 'utf8').matchAll(pattern)) found.add(match[1] ?? match[2]);
    }
  }
  assert.deepEqual(CASES.filter((number) => !found.has(number)).map((number) => `T${number}`), []);
});
