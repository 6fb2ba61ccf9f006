// A person or program at a terminal of their own: airlock's command line with a home directory below scratch.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { airlock, run } from './run.mjs';
import { program, until } from './tree.mjs';

export class Terminal {
  /** url: the server's address; env: for every command. */
  constructor(scratch, name, url, env = {}) {
    this.home = path.join(scratch, 'home', name);
    this.url = url;
    this.env = env;
    fs.mkdirSync(this.home, { recursive: true });
  }

  run(args, options = {}) {
    return airlock(this.home, args, { timeout: 60_000, ...options, env: { ...this.env, ...options.env } });
  }
  async ok(args, options) {
    const result = await this.run(args, options);
    assert.equal(result.code, 0, `airlock ${args.join(' ')}\n${result.stdout}\n${result.stderr}`);
    return result.stdout;
  }
  async json(args, options) {
    return JSON.parse(await this.ok([...args, '--output', 'json'], options));
  }

  /** As a program; answers the exit like run. */
  logInAsProgram(id, secret, args = []) {
    return this.run(['login', '--url', this.url, '--client-id', id, '--client-secret-file', '-', ...args], { input: secret });
  }

  /** By a code. visit(address, code) does what the person does in a browser meanwhile. */
  logInByCode(visit, { args = [], ...options } = {}) {
    const failure = {};
    const onStart = (child) => {
      onCode(child, visit).catch((error) => {
        failure.error = error;
        child.kill('SIGKILL');
      });
    };
    return this.run(['login', '--url', this.url, '--device', ...args], { onStart, ...options }).then((result) => {
      if (failure.error) throw failure.error;
      return result;
    });
  }

  /** Runs a command with a terminal (script(1) gives it one), where the command line may ask a person to log in again. */
  async runWithPerson(args, visit) {
    const failure = {};
    const onStart = (child) => onCode(child, visit).catch((error) => (failure.error = error));
    const command = [program('airlock'), ...args].join(' ');
    const result = await run('script', ['-qec', command, '/dev/null'], {
      env: { HOME: this.home, XDG_CONFIG_HOME: path.join(this.home, '.config'), ...this.env }, onStart, timeout: 60_000 });
    if (failure.error) throw failure.error;
    return result;
  }

  #file(kind) {
    const dir = path.join(this.home, '.config', 'airlock');
    const name = fs.readdirSync(dir).find((entry) => entry.startsWith(`${kind}-`) && entry.endsWith('.json'));
    return name && path.join(dir, name);
  }
  /** What the command line keeps between two commands; kind is "login" or "tokens". */
  kept(kind) {
    const file = this.#file(kind);
    return file ? JSON.parse(fs.readFileSync(file, 'utf8')) : null;
  }
  /** Lets the kept access tokens look as if their time were over. */
  expireTokens() {
    const kept = this.kept('tokens');
    for (const entry of Object.values(kept.tokens)) entry.expires = 1;
    fs.writeFileSync(this.#file('tokens'), JSON.stringify(kept));
  }
}

/** Waits until the address and the code are shown, then visits. */
async function onCode(child, visit) {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk));
  const shown = await until('the code to enter', () => /(https?:\S+)\s+and enter the code\s+(\S+)/.exec(text) ?? (child.exitCode !== null && [null, null]));
  if (shown[1]) await visit(shown[1], shown[2]);
}
