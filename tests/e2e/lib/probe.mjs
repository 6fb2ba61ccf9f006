// Tries things from inside a running process: gdb, as root, makes the process itself do the system call. What the
// kernel answers there is what a break-in would get. No helper code is in the product for this.
import assert from 'node:assert/strict';
import { run } from './run.mjs';

const ERRNO = { 1: 'EPERM', 2: 'ENOENT', 13: 'EACCES', 17: 'EEXIST', 18: 'EXDEV', 111: 'ECONNREFUSED' };
const quote = (text) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

/** C calls as text, each answering an int; made of what every process has from libc. */
export const call = {
  open: (path, flags = 0) => `((int (*)(const char *, int, int)) open)(${quote(path)}, ${flags}, 0600)`,
  openat: (fd, path, flags = 0) => `((int (*)(int, const char *, int, int)) openat)(${fd}, ${quote(path)}, ${flags}, 0600)`,
  unlink: (path) => `((int (*)(const char *)) unlink)(${quote(path)})`,
  mkdirat: (fd, path) => `((int (*)(int, const char *, int)) mkdirat)(${fd}, ${quote(path)}, 0700)`,
  renameat: (fd, from, to) => `((int (*)(int, const char *, int, const char *)) renameat)(${fd}, ${quote(from)}, ${fd}, ${quote(to)})`,
  execve: (path) => `((int (*)(const char *, void *, void *)) execve)(${quote(path)}, 0, 0)`,
  attach: (pid) => `((int (*)(int, int, long, long)) ptrace)(16, ${pid}, 0, 0)`,
  kill: (pid) => `((int (*)(int, int)) kill)(${pid}, 0)`,
  socket: () => '((int (*)(int, int, int)) socket)(2, 1, 0)',
  /** connect or bind of the descriptor that socket() gave, to 127.0.0.1 and the port. */
  connect: (port) => `((int (*)(int, void *, int)) connect)($fd, $address(${port}), 16)`,
  bind: (port) => `((int (*)(int, void *, int)) bind)($fd, $address(${port}), 16)`,
};

// struct sockaddr_in of 127.0.0.1 and the port, as the first of its two 64-bit words.
function addressWord(port) {
  const swapped = ((port & 0xff) << 8) | (port >> 8);
  return (0x0100007fn << 32n) | (BigInt(swapped) << 16n) | 2n;
}

/** gdb's commands for one call. Those that name a port get a socket and an address of their own. */
function commandsOf(name, text) {
  const port = /\$address\((\d+)\)/.exec(text)?.[1];
  const before = port === undefined ? [] : [
    `set $fd = ${call.socket()}`,
    'set $address = (long *) ((void *(*)(unsigned long)) malloc)(16)',
    `set $address[0] = ${addressWord(Number(port))}`,
    'set $address[1] = 0',
  ];
  return [
    ...before,
    `set $result = ${text.replace(/\$address\(\d+\)/, '$address')}`,
    'set $why = *((int *(*)(void)) __errno_location)()',
    `printf "PROBE ${name} %d %d\\n", $result, $why`,
    ...(port === undefined ? [] : ['call ((int (*)(int)) close)($fd)']),
  ];
}

/** Runs the calls inside pid; answers { name: 'EACCES' | … | number } — a number when the call succeeded. */
export async function inside(pid, calls) {
  const commands = ['set confirm off', 'set debuginfod enabled off', ...Object.entries(calls).flatMap(([name, text]) => commandsOf(name, text))];
  const args = ['-q', '-nx', '-batch', '-p', String(pid), ...commands.flatMap((command) => ['-ex', command])];
  const result = await run('gdb', args, { timeout: 60_000 });
  const found = {};
  for (const [, name, value, why] of result.stdout.matchAll(/^PROBE (\S+) (-?\d+) (\d+)$/gm)) {
    found[name] = Number(value) >= 0 ? Number(value) : (ERRNO[why] ?? `errno ${why}`);
  }
  for (const name of Object.keys(calls)) assert.ok(name in found, `${name} was not tried: ${result.stdout}\n${result.stderr}`);
  return found;
}
