// The demo's people, kept for one build of the programs: the hashes of their passwords and the keys that sign tokens are
// most of what a first start takes. Everything else (database, storage, secrets, configuration) each tree makes itself.
import fs from 'node:fs';
import path from 'node:path';

const KEPT = ['demo.json', 'idp'];
const JOURNAL = /\.refresh\.\d$/; // of refresh tokens: each tree begins its own

/** Another build is not lent what this one made. */
function storeOf(build) {
  const stamp = ['airlockd', 'airlock-idp'].map((name) => Math.trunc(fs.statSync(path.join(build, name)).mtimeMs)).join('-');
  return path.join(build, `e2e-people-${stamp}`);
}

function copy(from, to) {
  fs.mkdirSync(to, { recursive: true });
  for (const name of KEPT) fs.cpSync(path.join(from, name), path.join(to, name), { recursive: true, filter: (file) => !JOURNAL.test(file) });
}

async function makeStore(build, store, firstStart) {
  const made = fs.mkdtempSync(`${store}.`);
  try {
    await firstStart(path.join(made, 'demo'));
    copy(path.join(made, 'demo'), path.join(made, 'people'));
    for (const name of fs.readdirSync(build)) {
      if (/^e2e-people-[\d-]+$/.test(name) && path.join(build, name) !== store) fs.rmSync(path.join(build, name), { recursive: true, force: true });
    }
    if (!fs.existsSync(store)) fs.renameSync(path.join(made, 'people'), store);
  } catch (error) {
    if (!fs.existsSync(store)) throw error; // otherwise another test was first
  } finally {
    fs.rmSync(made, { recursive: true, force: true });
  }
}

/** Puts the people into the directory of a demo that has not started yet. firstStart(dir) starts one there and ends it; it is
 * called once for a build. */
export async function lendPeople(build, dir, firstStart) {
  const store = storeOf(build);
  if (!fs.existsSync(store)) await makeStore(build, store, firstStart);
  copy(store, dir);
}
