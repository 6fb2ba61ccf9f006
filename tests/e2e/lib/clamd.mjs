// A real clamd for tests: Debian's, with a socket, settings and signatures of its own in a directory, so that no base has
// to be fetched. Never Debian's service.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { isAlive, until } from './tree.mjs';

const PROGRAM = '/usr/sbin/clamd';
const START_MS = 60_000;

/** What airlock asks for; every other line is clamd's default. */
const STRICT = { AlertExceedsMax: 'yes', AlertEncrypted: 'yes', AlertBrokenMedia: 'yes', MaxRecursion: '17', MaxScanTime: '120000' };

/** The EICAR test text, assembled here so that this file is no hit. */
export const eicar = () => Buffer.from(['X5O!P%@AP[4\\PZX54(P^)7CC)7}$', 'EICAR-STANDARD-', 'ANTIVIRUS-TEST-FILE!', '$H+H*'].join(''));

export const EICAR_NAME = 'Eicar-Test.UNOFFICIAL';

/** A line of an .ndb base: finds the bytes anywhere in any file. */
export const signature = (name, bytes) => `${name}:0:*:${Buffer.from(bytes).toString('hex')}`;

export class Clamd {
  /** settings: lines of clamd.conf, by name; null leaves one of ours out. signatures: lines of an .ndb base. */
  constructor({ dir, settings = {}, signatures = [signature('Eicar-Test', eicar())] }) {
    Object.assign(this, { dir, settings, signatures });
    this.socket = path.join(dir, 'clamd.socket');
    this.logFile = path.join(dir, 'clamd.log');
    this.configFile = path.join(dir, 'clamd.conf');
  }

  #write() {
    const at = (name) => path.join(this.dir, name);
    for (const name of ['base', 'scratch']) fs.mkdirSync(at(name), { recursive: true });
    fs.writeFileSync(at('base/test.ndb'), `${this.signatures.join('\n')}\n`);
    const lines = { LocalSocket: this.socket, DatabaseDirectory: at('base'), TemporaryDirectory: at('scratch'), Foreground: 'yes', ...STRICT, ...this.settings };
    const text = Object.entries(lines).filter(([, value]) => value !== null).map(([name, value]) => `${name} ${value}\n`);
    fs.writeFileSync(this.configFile, text.join(''));
  }

  /** With t it ends with the test. */
  async start(t) {
    this.#write();
    const log = fs.openSync(this.logFile, 'a');
    this.child = spawn(PROGRAM, [`--config-file=${this.configFile}`], { stdio: ['ignore', log, log] });
    fs.closeSync(log);
    this.exit = new Promise((resolve) => this.child.once('exit', resolve));
    t?.after(() => this.stop());
    await until('clamd to answer', async () => {
      if (!isAlive(this.child.pid)) throw new Error(`clamd ended:\n${this.log()}`);
      return (await this.ask('PING').catch(() => '')) === 'PONG';
    }, { timeout: START_MS });
    return this;
  }

  get pid() {
    return this.child.pid;
  }

  /** One command on a connection of its own; what clamd says until it closes it. */
  ask(command) {
    return new Promise((resolve, reject) => {
      let text = '';
      const socket = net.connect(this.socket, () => socket.write(`z${command}\0`));
      socket.on('data', (bytes) => (text += bytes));
      socket.on('end', () => resolve(text.replace(/\0$/, '')));
      socket.on('error', reject);
    });
  }

  async kill() {
    this.child.kill('SIGKILL');
    await this.exit;
  }

  suspend() {
    this.child.kill('SIGSTOP');
  }

  resume() {
    this.child.kill('SIGCONT');
  }

  async restart() {
    await this.kill();
    return this.start();
  }

  /** Loads other signatures without a restart, as freshclam has it do. */
  async reload(signatures) {
    const reloads = () => this.log().split('Activating the newly loaded database').length;
    const before = reloads();
    this.signatures = signatures;
    this.#write();
    await this.ask('RELOAD');
    await until('clamd to load its base', () => reloads() > before, { timeout: START_MS });
  }

  /** Ends it, suspended or not; once more does no harm. */
  async stop() {
    if (!this.child || !isAlive(this.child.pid)) return;
    await this.kill();
  }

  log() {
    return fs.readFileSync(this.logFile, 'utf8');
  }
}
