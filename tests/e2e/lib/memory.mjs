// What processes keep in memory, from /proc.
import fs from 'node:fs';

const KiB = 1024;

/** VmRSS, VmHWM, RssAnon and RssFile of a process, in bytes. */
export function memoryOf(pid) {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * KiB;
  return { rss: field('VmRSS'), peak: field('VmHWM'), anonymous: field('RssAnon'), file: field('RssFile') };
}

/** Lets VmHWM begin anew. */
export function forgetPeak(pid) {
  fs.writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** The tree's processes by name, airlockd included. */
export function treeProcesses(tree) {
  const children = tree.processes().map((p) => ({ pid: p.pid, name: p.name === 'airlock-blob' ? `${p.name} ${p.args[1]}` : p.name }));
  return [{ pid: tree.pid, name: 'airlockd' }, ...children];
}
