// Host names for clients under test: a program sees its own /etc/hosts, in a mount namespace of its own.
import fs from 'node:fs';
import path from 'node:path';

const MOUNT = 'mount --bind "$0" /etc/hosts && exec "$@"';

/** The words to put before a program so that these names resolve; { name: address }. Root, or unprivileged user namespaces. */
export function withHosts(dir, names) {
  const file = path.join(dir, `hosts-${Object.keys(names).length}`);
  const lines = Object.entries({ localhost: '127.0.0.1', ...names }).map(([name, address]) => `${address} ${name}\n`);
  fs.writeFileSync(file, lines.join(''));
  return ['unshare', process.getuid() === 0 ? '-m' : '-rm', 'sh', '-c', MOUNT, file];
}
