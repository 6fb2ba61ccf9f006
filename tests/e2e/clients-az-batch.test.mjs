// The Azure CLI's calls that take an account's name and make the address themselves, https://ACCOUNT.blob.SUFFIX on port
// 443: lists, batches, deletions. The test has a network of its own, in which that port is the external listener's.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import {
  approved, az, filesBelow, makeCa, serverCertificate, sha256, startTree, temporaryDir, tlsSettings, trust,
} from './harness.mjs';
import { withHosts } from './lib/hosts.mjs';
import { enterOwnNetwork } from './lib/net.mjs';

enterOwnNetwork();

const SUFFIX = 'airlock.test';
const EXTERNAL_PORT = 443;
const FILES = {
  'a.csv': Buffer.from('a,b\n1,2\n'),
  'empty.dat': Buffer.alloc(0),
  'with space/plus+percent%hash#amp&eq=q.txt': Buffer.from('odd name'),
  'with space/ünï ☃ (1).txt': Buffer.from('odder name'),
  'deep/er/blocks.bin': crypto.randomBytes(66 * 1024 * 1024 + 5), // az sends 64 MiB in one piece
};
const digestsOf = (files) => Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, sha256(bytes)]).sort());
const digestsBelow = (dir) => digestsOf(Object.fromEntries(filesBelow(dir).map((f) => [path.relative(dir, f.path), fs.readFileSync(f.path)])));

/** az, taught this cloud. */
class Cli {
  constructor(tree, ca) {
    Object.assign(this, { tree, env: { REQUESTS_CA_BUNDLE: ca } });
  }
  /** Answers the JSON that az prints. */
  async run(args, options) {
    const result = await az(this.tree.scratch, [...args, '-o', 'json'], { env: this.env, ...options });
    assert.equal(result.code, 0, `az ${args.slice(0, 3).join(' ')}\n${result.stdout}\n${result.stderr}`);
    return result.stdout.trim() ? JSON.parse(result.stdout) : null;
  }
  async learnCloud() {
    const nowhere = `https://nowhere.${SUFFIX}`;
    const endpoints = ['resource-manager', 'active-directory', 'active-directory-resource-id', 'active-directory-graph-resource-id', 'management']
      .flatMap((name) => [`--endpoint-${name}`, nowhere]);
    await this.run(['cloud', 'register', '--name', 'airlock', '--suffix-storage-endpoint', SUFFIX, ...endpoints]);
    this.env.AZURE_CLOUD_NAME = 'airlock';
  }
  /** az storage blob WORDS, with the account and the signature of a link. */
  blob(link, ...words) {
    const { hostname, search } = new URL(link);
    const through = withHosts(this.tree.scratch, { [hostname]: '127.0.0.1' });
    return this.run(['storage', 'blob', ...words, '--account-name', hostname.split('.')[0], '--sas-token', search.slice(1)], { through });
  }
}
const containerOf = (link) => new URL(link).pathname.slice(1);

test('az storage blob upload-batch, list, show, download-batch, delete, delete-batch', async (t) => {
  const ca = await makeCa(temporaryDir('ca'));
  t.after(() => fs.rmSync(ca.dir, { recursive: true }));
  trust(ca.pem);
  const certificate = await serverCertificate(ca, { names: ['localhost', `*.blob.${SUFFIX}`] });
  const set = { ...tlsSettings(certificate), 'policy.max_files': 50, 'blob.external.public_url': `https://{account}.blob.${SUFFIX}:${EXTERNAL_PORT}` };
  const tree = await startTree(t, { base: EXTERNAL_PORT - 1, set });
  const alice = tree.as('alice');
  const cli = new Cli(tree, ca.certificateFile);
  const up = path.join(tree.scratch, 'up');
  for (const [name, bytes] of Object.entries(FILES)) {
    fs.mkdirSync(path.dirname(path.join(up, name)), { recursive: true });
    fs.writeFileSync(path.join(up, name), bytes);
  }
  await cli.learnCloud();
  const request = await alice.createRequest(tree.first, 'import');
  const link = await alice.linkUrl(request);
  const container = containerOf(link);

  await t.test('a directory goes up and is listed', async () => {
    await cli.blob(link, 'upload-batch', '--destination', container, '--source', up, '--no-progress');
    const listed = await cli.blob(link, 'list', '--container-name', container);
    assert.deepEqual(listed.map((b) => [b.name, b.properties.contentLength]).sort(), Object.entries(FILES).map(([name, bytes]) => [name, bytes.length]).sort());
    const level = await cli.blob(link, 'list', '--container-name', container, '--delimiter', '/', '--prefix', 'with space/');
    assert.deepEqual(level.map((b) => b.name).sort(), Object.keys(FILES).filter((name) => name.startsWith('with space/')).sort());
    const shown = await cli.blob(link, 'show', '--container-name', container, '--name', 'a.csv');
    assert.equal(shown.properties.contentSettings.contentType, 'text/csv');
  });
  await t.test('some are removed, and it is sealed as it is', async () => {
    await cli.blob(link, 'delete', '--container-name', container, '--name', 'a.csv');
    await cli.blob(link, 'delete-batch', '--source', container, '--pattern', 'with space/plus*');
    const left = { ...FILES };
    delete left['a.csv'];
    delete left['with space/plus+percent%hash#amp&eq=q.txt'];
    assert.equal((await alice.submit(request)).status, 200);
    const sealed = await alice.waitStatus(request, 'in_review');
    assert.deepEqual(Object.fromEntries(sealed.files.map((f) => [f.name, f.sha256]).sort()), digestsOf(left));
  });
  await t.test('an approved export comes down', async () => {
    const export_ = await approved(tree, 'export', FILES);
    const reading = await alice.linkUrl(export_);
    const target = path.join(tree.scratch, 'down');
    fs.mkdirSync(target);
    await cli.blob(reading, 'download-batch', '--source', containerOf(reading), '--destination', target, '--no-progress');
    assert.deepEqual(digestsBelow(target), digestsOf(FILES));
  });
});
