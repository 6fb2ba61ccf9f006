// examples/chat-consumer as its README says: a real tree, the script, and a chat that is away at first.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import test from 'node:test';
import { approved, freePortBase, ROOT, send, startTree, temporaryDir, until } from './harness.mjs';

async function chat(t) {
  const said = [];
  const state = { away: true, said };
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    if (!state.away) said.push(JSON.parse(Buffer.concat(chunks)).text);
    response.writeHead(state.away ? 503 : 200).end('ok');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return Object.assign(state, { url: `http://127.0.0.1:${server.address().port}/` });
}

test('the example: a chat hears of each status once, and of nothing that airlock did not sign', async (t) => {
  const dir = temporaryDir('chat');
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  const at = (name) => path.join(dir, name);
  fs.writeFileSync(at('webhook.key'), `whsec_${crypto.randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  const room = await chat(t);
  const url = `http://127.0.0.1:${await freePortBase()}/`;
  const script = spawn('python3', [path.join(ROOT, 'examples/chat-consumer/consumer.py'), new URL(url).port, at('webhook.key'), at('told.db'), room.url], { stdio: 'inherit' });
  t.after(() => script.kill());
  await until('the script', () => send('POST', url, { body: {} }).catch(() => null));

  const tree = await startTree(t, { set: { 'events.webhook_url': url, 'events.webhook_secret_file': at('webhook.key') } });
  const request = await approved(tree, 'export', { 'a.csv': 'a\n1\n' });
  room.away = false;
  const sentences = [`Export request ${request.id} waits for a review.`, `Export request ${request.id} was approved.`];
  await until('the sentences', () => sentences.every((text) => room.said.includes(text)));
  assert.equal((await tree.as('bob').revoke(request, 'A mistake')).status, 200);
  await until('the last one', () => room.said.includes(`Export request ${request.id} was taken back.`));
  assert.deepEqual(room.said.toSorted(), [...sentences, `Export request ${request.id} was taken back.`].toSorted());

  const forged = { specversion: '1.0', id: 'x', type: 'airlock.status_changed.v1', data: { status: 'approved', type: 'import', request_id: 'x' } };
  const answer = await send('POST', url, {
    headers: { 'webhook-id': 'x', 'webhook-timestamp': `${Math.floor(Date.now() / 1000)}`, 'webhook-signature': 'v1,AAAA' }, body: forged });
  assert.equal(answer.status, 401);
  assert.equal(room.said.length, 3);
});
