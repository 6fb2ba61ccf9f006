// Threat T21: "copy from this URL" must not make the server talk to anybody.
import assert from 'node:assert/strict';
import http from 'node:http';
import test from 'node:test';
import { blobUrl, blockId, draftWith, listBlobs, namesOf, send, startTree } from './harness.mjs';

/** A listener that notes every connection, and answers with a blob, or with a redirect to `to`. */
async function trap(t, host, to) {
  const seen = [];
  const server = http.createServer((request, response) => {
    response.writeHead(to ? 302 : 200, { ...(to ? { location: to } : {}), 'content-length': 4, 'x-ms-blob-type': 'BlockBlob' });
    response.end('trap');
  });
  server.on('connection', (socket) => seen.push(socket.remotePort));
  await new Promise((resolve) => server.listen(0, host, resolve));
  t.after(() => server.close());
  return { seen, port: server.address().port };
}

test('T21 a copy from anywhere but this zone is refused, and nobody is called', async (t) => {
  const tree = await startTree(t);
  const { link } = await draftWith(tree, 'export', { 'a.txt': 'mine' });
  const imported = await draftWith(tree, 'import', { 'b.txt': 'another zone\'s' });
  const four = await trap(t, '127.0.0.1');
  const six = await trap(t, '::1');
  const hop = await trap(t, '127.0.0.1', blobUrl(link, 'a.txt'));
  const own = new URL(blobUrl(link, 'a.txt'));
  const tail = own.pathname + own.search;
  const zone = (name) => blobUrl(imported.link, 'b.txt').replace(tree.ready.blob.external, tree.ready.blob[name]);

  const sources = [
    `http://127.0.0.1:${four.port}/x`, `http://127.0.0.1:${four.port}${tail}`, `http://localhost:${four.port}${tail}`, `http://[::1]:${six.port}${tail}`,
    `http://[::ffff:127.0.0.1]:${four.port}${tail}`, `http://2130706433:${four.port}/x`, `http://0x7f.1:${four.port}/x`, `http://0177.0.0.1:${four.port}/x`,
    `http://127.1:${four.port}/x`, `http://0:${four.port}/x`, `http://0.0.0.0:${four.port}/x`, 'http://169.254.169.254/latest/meta-data/', 'http://[fd00:ec2::254]/latest/',
    'http://metadata.google.internal/x', 'http://example.org/x', 'https://example.blob.core.windows.net/c/b', `http://127.0.0.1.nip.io:${four.port}/x`,
    `http://127.0.0.1:${hop.port}/redirect`, `http://user:pass@${own.host}${tail}`, `http://${own.host}@127.0.0.1:${four.port}${tail}`, `http://${own.host}:80${tail}`,
    `https://127.0.0.1:${four.port}/x`, `ftp://127.0.0.1:${four.port}/x`, `gopher://127.0.0.1:${four.port}/x`, 'file:///etc/passwd', `//127.0.0.1:${four.port}/x`, 'jar:file:///x', 'data:,x',
    '/etc/passwd', tail, '', ' ', `http://127.0.0.1:${four.port}`, `http://127.0.0.1:99999/x`, `http://127.0.0.1:${four.port}\\@${own.host}/x`, `http:///${own.host}${tail}`,
    `http://${own.hostname}.:${own.port}${tail}`, `${own.origin}${own.pathname}`, // no link of its own
    `${own.origin}${tail}#fragment`, zone('external'), zone('core'), `${tree.ready.api}/api/workspaces`, `${tree.ready.issuer}/x`,
  ];
  const operations = {
    'Copy Blob': { headers: {} },
    'Put Blob From URL': { headers: { 'x-ms-blob-type': 'BlockBlob' } },
    'Put Block From URL': { headers: {}, query: `comp=block&blockid=${encodeURIComponent(blockId(1))}` },
  };
  for (const [name, { headers, query }] of Object.entries(operations)) {
    await t.test(`T21 ${name}: ${sources.length} sources`, async () => {
      for (const source of sources) {
        if (source.trim() === '' && name !== 'Copy Blob') continue; // an empty header is none, and then this is an upload
        const answer = await send('PUT', blobUrl(link, 'copy.txt', query), { headers: { ...headers, 'x-ms-copy-source': source }, timeout: 5000 });
        const refused = (answer.status >= 400 && answer.status < 500) || answer.status === 501;
        assert.ok(refused, `${source}: ${answer.status} ${answer.text}`);
      }
    });
  }
  for (const { seen } of [four, six, hop]) assert.deepEqual(seen, [], 'nobody called');
  assert.deepEqual(namesOf(await listBlobs(link)), ['a.txt']);
});
