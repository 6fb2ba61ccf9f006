// The JavaScript SDK as a program of its own, so that it can be given host names and trusted certificates:
//   sdk-client.mjs up|down|list|remove LINK [DIRECTORY]   (the link comes from the environment variable LINK)
import fs from 'node:fs';
import path from 'node:path';
import { AnonymousCredential, ContainerClient } from '@azure/storage-blob';

const [what, directory] = process.argv.slice(2);
const container = new ContainerClient(process.env.LINK, new AnonymousCredential());
const OPTIONS = { blockSize: 1024 * 1024, maxSingleShotSize: 1024 * 1024 };

async function names() {
  const found = [];
  for await (const blob of container.listBlobsFlat()) found.push(blob.name);
  return found;
}

const ACTS = {
  async up() {
    for (const entry of fs.readdirSync(directory, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = path.join(entry.parentPath, entry.name);
      await container.getBlockBlobClient(path.relative(directory, file)).uploadFile(file, OPTIONS);
    }
  },
  async down() {
    for (const name of await names()) {
      const file = path.join(directory, name);
      fs.mkdirSync(path.dirname(file), { recursive: true });
      await container.getBlobClient(name).downloadToFile(file);
    }
  },
  async list() {
    console.log((await names()).join('\n'));
  },
  async remove() {
    for (const name of await names()) await container.getBlobClient(name).delete();
  },
};

await ACTS[what]();
