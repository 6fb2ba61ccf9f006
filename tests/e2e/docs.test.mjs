// What the pages say is so: commands exist, files that are linked are there, generated pages are fresh.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { BUILD, program, ROOT, run, runOk, startTree, temporaryDir } from './harness.mjs';

const PAGES = ['README.md', 'examples/chat-consumer/README.md', 'docs/ARCHITECTURE.md', 'docs/EVENTS.md', 'docs/GATES.md', 'docs/HACKING.md', 'docs/OPERATIONS.md', 'docs/SECURITY.md'];
const read = (page) => fs.readFileSync(path.join(ROOT, page), 'utf8');

/** The code on a page, a line each: fenced blocks but diagrams, and `spans`. */
function codeOf(page) {
  const blocks = [...read(page).matchAll(/```(?!mermaid)\w*\n([\s\S]*?)```/g)].map((match) => match[1]);
  const spans = [...read(page).replace(/```[\s\S]*?```/g, '').matchAll(/`([^`\n]+)`/g)].map((match) => match[1]);
  return [...blocks.join('\n').split('\n'), ...spans];
}

test('every command of `airlock` and `airlockd` on the pages exists', async () => {
  for (const page of PAGES) {
    for (const line of codeOf(page)) {
      const command = /build\/airlock ((?:[a-z-]+ )*)(.*)/.exec(`${line} `);
      if (!command) continue;
      const words = command[1].trim().split(' ').filter(Boolean).slice(0, 2);
      const help = await run(program('airlock'), [...words, '--help']);
      assert.equal(help.code, 0, `${page}: ${line}\n${help.stderr}`);
      for (const [option] of command[2].matchAll(/--[a-z-]+/g)) assert.ok(help.stdout.includes(option), `${page}: ${option} in ${line}`);
    }
  }
  const { stdout } = await runOk(program('airlockd'), ['--help']);
  for (const page of PAGES) {
    for (const line of codeOf(page).filter((code) => code.includes('airlockd --'))) {
      for (const [option] of line.matchAll(/--[a-z-]+/g)) assert.ok(stdout.includes(option), `${page}: ${line}`);
    }
  }
});

test('every make target on the pages exists', () => {
  const makefile = read('Makefile');
  for (const page of PAGES) {
    for (const line of codeOf(page)) {
      const target = /^make ([a-z0-9]+)/.exec(line)?.[1];
      if (target) assert.match(makefile, new RegExp(`^${target}:`, 'm'), `${page}: make ${target}`);
    }
  }
});

test('every file that the pages name is there', () => {
  for (const page of PAGES) {
    for (const [, target] of read(page).matchAll(/\]\(([^)#:]+)\)/g)) {
      assert.ok(fs.existsSync(path.join(ROOT, path.dirname(page), target)), `${page}: ${target}`);
    }
    for (const [, name] of read(page).matchAll(/`([a-z-]+\.test\.mjs)`/g)) {
      assert.ok(fs.existsSync(path.join(ROOT, 'tests/e2e', name)), `${page}: ${name}`);
    }
  }
});

test('the generated pages are what the tables say', async () => {
  const settings = await runOk(program('airlockd'), ['--print-settings']);
  assert.equal(read('docs/generated/settings.md'), settings.stdout);
  const lifecycle = await runOk(path.join(BUILD, 'src/model/model-docs'), []);
  assert.equal(read('docs/generated/lifecycle.md'), lifecycle.stdout);
  const blob = await runOk(path.join(BUILD, 'src/blob/blob-docs'), []);
  assert.equal(read('docs/generated/blob.md'), blob.stdout);
});

test('the API describes itself', async (t) => {
  const tree = await startTree(t);
  const document = await fetch(`${tree.ready.api}/api/openapi.json`).then((answer) => answer.json());
  assert.match(document.openapi, /^3\.1/);
  const paths = Object.keys(document.paths);
  for (const tail of ['', '/{request}', '/{request}/submit', '/{request}/cancel', '/{request}/review', '/{request}/revoke', '/{request}/link']) {
    assert.ok(paths.includes(`/api/workspaces/{workspace}/requests${tail}`), tail);
  }
  const statuses = JSON.stringify(document).match(/"in_review"/g);
  assert.ok(statuses?.length, 'the statuses are spelled out');
});

test('the demo walk', { timeout: 180_000 }, async (t) => {
  const dir = temporaryDir('walk');
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  const { stdout } = await runOk(process.execPath, [path.join(ROOT, 'tools/run-demo.mjs'), '--once'], { env: { AIRLOCK_DEMO: dir, AIRLOCK_BUILD: BUILD } });
  assert.match(stdout, /Export and import went from draft to approved and approved\./);
  for (const word of ['draft', 'submitted', 'in_review', 'sha256', 'alice', 'bob', 'delivered imports', 'mallory']) assert.ok(stdout.includes(word), word);
});
