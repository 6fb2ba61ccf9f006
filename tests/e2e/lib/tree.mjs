// A process tree of its own for each test: started on free ports in a fresh directory, watched, and ended. What it logs
// is searched at the end: no signature of a link, no report of a crash may stand there.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Person } from './api.mjs';
import { lendPeople } from './people.mjs';

export const ROOT = path.resolve(import.meta.dirname, '../../..');
export const BUILD = process.env.AIRLOCK_BUILD ?? path.join(ROOT, 'build');
export const program = (name) => path.join(BUILD, name);

const READY_MS = 40_000;
const STOP_MS = 5_000;
const PORTS = 5;
const SIGNATURE = /[?&]sig=(?!redacted|\*|&|"|\s|$)[^&"\s]+/i;
const CRASH = /AddressSanitizer|LeakSanitizer|UndefinedBehavior|runtime error:|stack smashing|assertion .* failed|was killed by signal (4|6|7|8|11)\b/i;

function portIsFree(port) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** A base such that it and the next ports are free; below the range the kernel hands out itself. */
export async function freePortBase() {
  for (;;) {
    const base = 11_000 + 10 * Math.floor(Math.random() * 2000);
    const free = await Promise.all(Array.from({ length: PORTS }, (_, i) => portIsFree(base + i)));
    if (free.every(Boolean)) return base;
  }
}

/** Every process that has not ended, as { pid, parent, group, name, args }; name is the file's, args the command line. */
export function allProcesses() {
  const all = [];
  for (const entry of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = fs.readFileSync(`/proc/${entry}/stat`, 'utf8');
      const [state, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state === 'Z') continue;
      const args = fs.readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0').slice(0, -1);
      all.push({ pid: Number(entry), parent: Number(parent), group: Number(group), name: path.basename(args[0] ?? ''), args });
    } catch {
      // It ended while we looked.
    }
  }
  return all;
}

/** The processes below pid. */
export function descendants(pid) {
  const all = allProcesses();
  const found = [];
  const wanted = new Set([pid]);
  for (let grown = true; grown; ) {
    grown = false;
    for (const process of all) {
      if (wanted.has(process.parent) && !wanted.has(process.pid)) {
        wanted.add(process.pid);
        found.push(process);
        grown = true;
      }
    }
  }
  return found;
}

export function isAlive(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z';
  } catch {
    return false;
  }
}

export async function until(what, check, { timeout = 20_000, step = 20 } = {}) {
  const end = Date.now() + timeout;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited ${timeout} ms for ${what}`);
    await sleep(step);
  }
}

export class Tree {
  /** through: words before the program, such as lib/hosts.mjs makes. */
  constructor({ dir, base, set = {}, args = [], through = [] }) {
    Object.assign(this, { dir, base, set, args, through });
    this.logFile = `${dir}.log`;
    this.child = null;
    this.people = new Map();
  }

  command() {
    const sets = Object.entries(this.set).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
    return ['--demo', this.dir, '--port-base', String(this.base), ...sets, ...this.args];
  }

  /** Starts airlockd and waits for its line of JSON. */
  async start() {
    const log = fs.openSync(this.logFile, 'a');
    const [file, ...words] = [...this.through, program('airlockd'), ...this.command()];
    const child = spawn(file, words, { stdio: ['ignore', 'pipe', log] });
    fs.closeSync(log);
    this.child = child;
    this.exit = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
    const line = await this.#readyLine(child);
    this.ready = JSON.parse(line);
    assert.equal(this.ready.ready, true);
    this.#learn();
    return this;
  }

  #readyLine(child) {
    return new Promise((resolve, reject) => {
      let text = '';
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        reject(new Error(`airlockd was not ready in ${READY_MS} ms\n${this.logTail()}`));
      }, READY_MS);
      child.stdout.on('data', (chunk) => {
        text += chunk;
        if (!text.includes('\n')) return;
        clearTimeout(timer);
        resolve(text.slice(0, text.indexOf('\n')));
      });
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        reject(new Error(`airlockd ended (${signal ?? code}) before it was ready\n${this.logTail()}`));
      });
    });
  }

  #learn() {
    const { ready } = this;
    const rolesOf = (name) => ready.accounts.find((account) => account.name === name).roles;
    this.first = ready.workspaces.find((workspace) => rolesOf('alice')[workspace.id]?.length);
    this.second = ready.workspaces.find((workspace) => workspace !== this.first);
    for (const account of ready.accounts) {
      const person = this.people.get(account.name) ?? new Person();
      this.people.set(account.name, person.learn(ready, account));
    }
  }

  as(name) {
    return this.people.get(name);
  }
  get pid() {
    return this.child.pid;
  }
  processes() {
    return descendants(this.pid);
  }
  /** One process by its name, such as "airlock-core"; a blob process by its zone too: "airlock-blob external". */
  find(name) {
    const [file, zone] = name.split(' ');
    return this.processes().find((p) => p.name === file && (!zone || p.args.slice(1).some((arg) => arg.includes(zone))));
  }
  kill(name, signal = 'SIGKILL') {
    const found = this.find(name);
    assert.ok(found, `${name} runs`);
    process.kill(found.pid, signal);
    return found.pid;
  }

  /** SIGTERM; the whole tree must be gone within 5 s. Answers how long it took. */
  async stop() {
    if (!this.child || this.child.exitCode !== null || this.child.signalCode !== null) return 0;
    const pids = this.processes().map((p) => p.pid);
    const began = Date.now();
    this.child.kill('SIGTERM');
    const gone = await Promise.race([this.exit, sleep(STOP_MS + 3000).then(() => null)]);
    const took = Date.now() - began;
    const left = pids.filter(isAlive);
    if (!gone) this.child.kill('SIGKILL');
    for (const pid of left) process.kill(pid, 'SIGKILL');
    assert.ok(gone && took <= STOP_MS && left.length === 0, `the tree ended in ${took} ms, left: ${left}`);
    return took;
  }

  /** kill -9 of airlockd alone; its children must end with it. */
  async killParent() {
    const pids = this.processes().map((p) => p.pid);
    process.kill(this.pid, 'SIGKILL');
    await this.exit;
    await until('the children to end with their parent', () => !pids.some(isAlive), { timeout: STOP_MS });
  }

  log() {
    return fs.existsSync(this.logFile) ? fs.readFileSync(this.logFile, 'utf8') : '';
  }
  logTail() {
    return this.log().slice(-6000);
  }
  /** Log lines as objects. */
  logLines() {
    return this.log().split('\n').filter(Boolean).map((line) => {
      try {
        return JSON.parse(line);
      } catch {
        return { message: line };
      }
    });
  }
  checkLog() {
    for (const line of this.log().split('\n')) {
      assert.doesNotMatch(line, SIGNATURE, 'a link\'s signature stands in the log');
      assert.doesNotMatch(line, CRASH, 'a process crashed');
    }
  }
}

export function temporaryDir(name) {
  return fs.mkdtempSync(path.join(process.env.AIRLOCK_TMP ?? os.tmpdir(), `airlock-${name}-`));
}

/** Settings for tests that are meant to be faster than people: no rate limits. */
export const UNLIMITED = Object.fromEntries(
  ['subject_rate', 'workspace_rate', 'decisions_per_minute', 'links_per_minute', 'address_rate'].map((name) => [`limits.${name}`, 0]));

async function firstStart(dir) {
  const tree = await new Tree({ dir, base: await freePortBase() }).start();
  tree.child.kill('SIGTERM');
  await tree.exit;
}

/** A running tree that ends with the test t; with files of its own in tree.scratch. Without a home its people are lent. */
export async function startTree(t, { set, args, home, base, through } = {}) {
  const scratch = temporaryDir('e2e');
  const tree = new Tree({ dir: home ?? path.join(scratch, 'demo'), base: base ?? (await freePortBase()), set, args, through });
  tree.logFile = path.join(scratch, 'tree.log');
  tree.scratch = scratch;
  if (!home) await lendPeople(BUILD, tree.dir, firstStart);
  let failed = false;
  t.afterEach((part) => {
    failed ||= !part.passed;
  });
  t.after(async () => {
    failed ||= !t.passed;
    try {
      await tree.stop();
      tree.checkLog();
    } catch (error) {
      failed = true;
      throw error;
    } finally {
      if (failed) t.diagnostic(`log: ${tree.logFile}\n${tree.logTail()}`);
      else fs.rmSync(scratch, { recursive: true, force: true });
    }
  });
  await tree.start();
  return tree;
}

export function haveProgram(name) {
  return spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
}
