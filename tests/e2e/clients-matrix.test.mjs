// Every client over every kind of address: HTTP and TLS with a private CA, the account in the path and in the host name.
// Each brings a directory up into a draft, lists it, takes it down again, compares, and removes it.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import {
  az, azcopyOk, blobUrl, filesBelow, freePortBase, listBlobs, listUrl, makeCa, namesOf, runOk, serverCertificate, sha256, startTree,
  temporaryDir, tlsSettings, trust,
} from './harness.mjs';
import { withHosts } from './lib/hosts.mjs';

const MiB = 1024 * 1024;
const SUFFIX = 'blob.airlock.test';
const NODE = path.join(import.meta.dirname, 'node_modules/.bin/node');
const SDK = path.join(import.meta.dirname, 'lib/sdk-client.mjs');
/** How each client is told to trust an authority. */
const trusting = (file) => ({ SSL_CERT_FILE: file, NODE_EXTRA_CA_CERTS: file, REQUESTS_CA_BUNDLE: file });
const FILES = {
  'a.txt': Buffer.from('a\n'),
  'empty.dat': Buffer.alloc(0),
  'with space/plus+percent%hash#amp&eq=q.txt': Buffer.from('odd name'),
  'with space/ünï ☃ (1).txt': Buffer.from('odder name'),
  'deep/er/blocks.bin': crypto.randomBytes(9 * MiB + 1),
};
const NAMES = Object.keys(FILES).sort();

function writeFiles(dir) {
  for (const [name, bytes] of Object.entries(FILES)) {
    fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
    fs.writeFileSync(path.join(dir, name), bytes);
  }
}

const digests = (dir) => Object.fromEntries(filesBelow(dir).map((f) => [path.relative(dir, f.path), sha256(fs.readFileSync(f.path))]).sort());
const listed = (answer) => namesOf(answer).map((name) => name.replaceAll('&amp;', '&')).sort();
const lines = (text) => text.split('\n').filter(Boolean).sort();

/**
 * What each client does; at: { link, dir, scratch, style, ca, container, options }. What one cannot do stands in `cannot`,
 * with the reason. The path-style links here name an IPv4 address: below a DNS name that is not of the form
 * ACCOUNT.blob.SUFFIX, AzCopy takes the account for the container when it lists, so operators publish host-style names.
 */
const CLIENTS = {
  AzCopy: {
    flags: (at, way) => (at.style === 'host' ? [] : [`--from-to=${way}`]),
    up(at) {
      return azcopyOk(at.scratch, ['copy', `${at.dir}/*`, at.link, '--recursive', ...this.flags(at, 'LocalBlob')], at.options);
    },
    async list(at) {
      const flags = at.style === 'host' ? [] : ['--location=Blob'];
      const { stdout } = await azcopyOk(at.scratch, ['list', at.link, '--output-type=json', ...flags], at.options);
      const found = lines(stdout).map((line) => JSON.parse(line)).filter((line) => line.MessageType === 'ListObject');
      return found.map((line) => JSON.parse(line.MessageContent).Path).sort();
    },
    down(at, target) {
      return azcopyOk(at.scratch, ['copy', at.link, target, '--recursive', '--as-subdir=false', ...this.flags(at, 'BlobLocal')], at.options);
    },
    remove(at) {
      return azcopyOk(at.scratch, ['remove', at.link, '--recursive', ...this.flags(at, 'BlobTrash')], at.options);
    },
  },
  SDK: {
    call(at, ...words) {
      return runOk(NODE, [SDK, ...words], { ...at.options, env: { ...at.options.env, LINK: at.link } });
    },
    up(at) {
      return this.call(at, 'up', at.dir);
    },
    async list(at) {
      return lines((await this.call(at, 'list')).stdout);
    },
    down(at, target) {
      return this.call(at, 'down', target);
    },
    remove(at) {
      return this.call(at, 'remove');
    },
  },
  rclone: {
    call(at, ...words) {
      const env = { RCLONE_CONFIG: '/dev/null', RCLONE_CONFIG_AIR_TYPE: 'azureblob', RCLONE_CONFIG_AIR_SAS_URL: at.link };
      return runOk('rclone', [...words, '--retries', '1'], { ...at.options, env: { ...at.options.env, ...env } });
    },
    remote: (at) => `air:${at.container}`,
    up(at) {
      return this.call(at, 'copy', at.dir, this.remote(at));
    },
    async list(at) {
      return lines((await this.call(at, 'lsf', '-R', '--files-only', this.remote(at))).stdout);
    },
    async down(at, target) {
      await this.call(at, 'copy', this.remote(at), target);
      await this.call(at, 'check', at.dir, this.remote(at));
    },
    remove(at) {
      return this.call(at, 'delete', this.remote(at));
    },
  },
  curl: {
    call(at, name, ...words) {
      const trusted = at.ca ? ['--cacert', at.ca] : [];
      return runOk('curl', ['-sS', '--fail', ...trusted, ...words, blobUrl(at.link, name)], at.options);
    },
    async list(at) {
      const trusted = at.ca ? ['--cacert', at.ca] : [];
      const { stdout } = await runOk('curl', ['-sS', '--fail', ...trusted, listUrl(at.link)], at.options);
      return listed({ text: stdout });
    },
    async up(at) {
      for (const name of NAMES) await this.call(at, name, '-T', path.join(at.dir, name), '-H', 'x-ms-blob-type: BlockBlob');
    },
    async down(at, target) {
      for (const name of NAMES) {
        fs.mkdirSync(path.dirname(path.join(target, name)), { recursive: true });
        await this.call(at, name, '-o', path.join(target, name));
      }
    },
    async remove(at) {
      for (const name of NAMES) await this.call(at, name, '-X', 'DELETE');
    },
  },
  az: {
    async call(at, verb, name, file) {
      const args = ['storage', 'blob', verb, '--blob-url', blobUrl(at.link, name), ...(file ? ['--file', file, '--no-progress'] : [])];
      const result = await az(at.scratch, args, at.options);
      assert.equal(result.code, 0, result.stderr);
    },
    names: ['a.txt', 'deep/er/blocks.bin'], // each call takes az two seconds to start
    cannot: {
      list: 'takes no address, only an account name of which it makes https://ACCOUNT.blob.SUFFIX: clients-az.test.mjs does it',
      remove: 'the same',
    },
    async up(at) {
      for (const name of this.names) await this.call(at, 'upload', name, path.join(at.dir, name));
    },
    async down(at, target) {
      for (const name of this.names) {
        fs.mkdirSync(path.dirname(path.join(target, name)), { recursive: true });
        await this.call(at, 'download', name, path.join(target, name));
      }
    },
  },
};

async function walk(client, at) {
  const wanted = Object.fromEntries((client.names ?? NAMES).map((name) => [name, sha256(FILES[name])]));
  const names = Object.keys(wanted).sort();
  const target = path.join(at.scratch, 'down');
  fs.mkdirSync(target);
  for (const act of ['up', 'list', 'down', 'remove']) assert.notEqual(Boolean(client[act]), Boolean(client.cannot?.[act]), `${act}: done, or said why not`);
  await client.up(at);
  assert.deepEqual(listed(await listBlobs(at.link)), names, 'what went up');
  if (client.list) assert.deepEqual(await client.list(at), names, 'as the client lists it');
  await client.down(at, target);
  assert.deepEqual(digests(target), wanted, 'what came down');
  if (!client.remove) return;
  await client.remove(at);
  assert.deepEqual(listed(await listBlobs(at.link)), [], 'removed');
}

for (const scheme of ['http', 'https']) {
  for (const style of ['path', 'host']) {
    test(`clients over ${scheme}, the account in the ${style}`, async (t) => {
      const base = await freePortBase();
      const set = { 'policy.max_files': 50 };
      if (style === 'host') set['blob.external.public_url'] = `${scheme}://{account}.${SUFFIX}:${base + 1}`;
      const authority = scheme === 'https' ? await makeCa(temporaryDir('ca')) : null;
      if (authority) {
        trust(authority.pem);
        t.after(() => fs.rmSync(authority.dir, { recursive: true }));
        Object.assign(set, tlsSettings(await serverCertificate(authority, { names: ['localhost', `*.${SUFFIX}`] })));
      }
      const tree = await startTree(t, { base, set });
      const dir = path.join(tree.scratch, 'up');
      writeFiles(dir);
      const ca = authority?.certificateFile;
      for (const [name, client] of Object.entries(CLIENTS)) {
        await t.test(name, async () => {
          const request = await tree.as('alice').createRequest(tree.first, 'import');
          const link = await tree.as('alice').linkUrl(request);
          const { hostname, pathname, protocol } = new URL(link);
          assert.equal(protocol, `${scheme}:`);
          assert.equal(hostname.endsWith(SUFFIX), style === 'host');
          const scratch = path.join(tree.scratch, name);
          fs.mkdirSync(scratch);
          const through = style === 'host' ? withHosts(scratch, { [hostname]: '127.0.0.1' }) : [];
          const at = { link, dir, scratch, style, ca, container: pathname.split('/').at(-1), options: { through, env: ca ? trusting(ca) : {} } };
          await walk(client, at);
        });
      }
    });
  }
}
