// Host names for clients under test: a program sees its own /etc/hosts, in a mount namespace of its own.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/** How this machine gives a program a mount namespace. unshare makes it private first, which needs a root that is a mount:
 * in a chroot it is none, and what lies around the chroot decides. */
function namespace() {
  const words = ['unshare', process.getuid() === 0 ? '-m' : '-rm'];
  return spawnSync(words[0], [...words.slice(1), 'true']).status === 0 ? words : [...words, '--propagation', 'unchanged'];
}

const MOUNT = 'mount --bind "$0" /etc/hosts && exec "$@"';

/** The words to put before a program so that these names resolve; { name: address }. Root, or unprivileged user namespaces. */
export function withHosts(dir, names) {
  const file = path.join(dir, `hosts-${Object.keys(names).length}`);
  const lines = Object.entries({ localhost: '127.0.0.1', ...names }).map(([name, address]) => `${address} ${name}\n`);
  fs.writeFileSync(file, lines.join(''));
  return [...namespace(), 'sh', '-c', MOUNT, file];
}
