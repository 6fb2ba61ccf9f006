// Networks of a test's own. The test's process goes into a network namespace that has nothing but what the test makes;
// other hosts are processes (net_host.mjs) in namespaces of theirs, joined by veth pairs. Everything ends with them.
// Needs root or unprivileged user namespaces; without either the test fails, it is never skipped.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';

const UNSHARE = '/usr/bin/unshare';
const ENTERED = 'AIRLOCK_OWN_NETWORK';

/** To be called before anything else: starts this process anew in a network of its own, and returns in that one only. */
export function enterOwnNetwork() {
  if (process.env[ENTERED]) {
    ip('link', 'set', 'lo', 'up');
    return;
  }
  const user = process.getuid() === 0 ? [] : ['--user', '--map-root-user'];
  const self = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  process.execve(UNSHARE, ['unshare', ...user, '--net', ...self], { ...process.env, [ENTERED]: '1' });
}

function command(file, args) {
  const { status, stdout, stderr, error } = spawnSync(file, args, { encoding: 'utf8' });
  assert.equal(status, 0, `${file} ${args.join(' ')}: ${error ?? stderr}`);
  return stdout;
}

/** ip(8) in this process's own network. */
export function ip(...args) {
  return command('ip', args);
}

/** A host with a network of its own, joined to this process's network or to another host's. */
export class Host {
  #calls = new Map();
  #last = 0;
  #programs = [];

  static async start(name) {
    const host = new Host();
    const program = path.join(import.meta.dirname, 'net_host.mjs');
    host.name = name;
    host.child = spawn(UNSHARE, ['--net', process.execPath, program], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    host.child.on('message', ({ id, answer }) => host.#settle(id, 'resolve', answer));
    const lost = (reason) => [...host.#calls.keys()].forEach((id) => host.#settle(id, 'reject', new Error(`${name} ended: ${reason}`)));
    host.child.once('error', lost);
    host.child.once('exit', (code, signal) => lost(signal ?? code));
    await host.#ask('hello');
    host.ip('link', 'set', 'lo', 'up');
    return host;
  }

  #settle(id, how, value) {
    this.#calls.get(id)[how](value);
    this.#calls.delete(id);
  }

  #ask(what, fields = {}) {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.child.send({ id, what, fields });
    });
  }

  /** Runs a program in the host's network. */
  run(file, ...args) {
    return command('nsenter', ['--net', '-t', String(this.child.pid), file, ...args]);
  }
  ip(...args) {
    return this.run('ip', ...args);
  }
  /** Starts a program in the host's network; it ends with the host. */
  spawn(file, ...args) {
    const child = spawn('nsenter', ['--net', '-t', String(this.child.pid), file, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
    this.#programs.push(child);
    return child;
  }
  /** Joins the host's interface inner to the interface outer of this process's network, or of another host's. */
  join(inner, outer, other) {
    const place = other ? ['netns', String(other.child.pid)] : [];
    ip('link', 'add', inner, 'netns', String(this.child.pid), 'type', 'veth', 'peer', 'name', outer, ...place);
  }
  address(device, ...addresses) {
    setAddresses((...args) => this.ip(...args), device, addresses);
  }
  sysctl(name, value) {
    return this.#ask('sysctl', { name, value: String(value) });
  }
  /** An HTTP request from this host: { status, code (x-ms-error-code), text }, or { error } where no connection was. */
  send(method, url, options = {}) {
    return this.#ask('send', { method, url, ...options });
  }
  /** Bytes to the address of a URL, before: ahead of its TLS; what came back until silence: { text } or { error }. */
  raw(url, bytes, before = '') {
    const base64 = (all) => Buffer.from(all).toString('base64');
    return this.#ask('raw', { url, bytes: base64(bytes), before: base64(before) });
  }
  /** The authority (PEM) by which the host judges TLS. */
  trust(pem) {
    return this.#ask('trust', { pem });
  }
  end() {
    for (const program of this.#programs) program.kill('SIGKILL');
    this.child.kill('SIGKILL');
  }
}

function setAddresses(ipOf, device, addresses) {
  for (const address of addresses) ipOf('addr', 'add', address, 'dev', device, ...(address.includes(':') ? ['nodad'] : []));
  ipOf('link', 'set', device, 'up');
}

/** Gives this process's interface its addresses (ADDRESS/PREFIX) and switches it on. */
export function address(device, ...addresses) {
  setAddresses(ip, device, addresses);
}

/** The header of the PROXY protocol, version 2, for a TCP connection over IPv4. */
export function proxyHeader(from, to, port) {
  const octets = (text) => Buffer.from(text.split('.').map(Number));
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(50_000, 0);
  ports.writeUInt16BE(port, 2);
  const start = Buffer.from('0d0a0d0a000d0a515549540a2111000c', 'hex');
  return Buffer.concat([start, octets(from), octets(to), ports]);
}
