// MSAL, Microsoft's library, signs in at the built-in provider, over TLS by an authority of our own, unchanged.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { spawn } from 'node:child_process';
import readline from 'node:readline';
import test from 'node:test';
import { makeCa, serverCertificate, startTree, temporaryDir, tlsSettings, trust } from './harness.mjs';
import { allowDevice } from './lib/login.mjs';

const PYTHON = '/usr/bin/python3'; // Debian's: another one does not have Debian's packages
const SCRIPT = path.join(import.meta.dirname, 'msal_client.py');
const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

async function tlsTree(t) {
  const dir = temporaryDir('msal');
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  const ca = await makeCa(dir);
  trust(ca.pem);
  return { tree: await startTree(t, { set: tlsSettings(await serverCertificate(ca)) }), ca };
}

/** Runs the script; answers its steps by name. onStep is told each one as it comes. */
async function msal(ca, args, { input = '', onStep = () => {} } = {}) {
  const child = spawn(PYTHON, [SCRIPT, ...args], { env: { PATH: '/usr/bin:/bin', REQUESTS_CA_BUNDLE: ca.certificateFile } });
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
  let stderr = '';
  child.stderr.on('data', (chunk) => (stderr += chunk));
  child.stdin.end(input);
  const ended = new Promise((resolve) => child.once('close', resolve));
  const steps = {};
  for await (const line of readline.createInterface({ input: child.stdout })) {
    const step = JSON.parse(line);
    steps[step.step] = step;
    await onStep(step);
  }
  const code = await ended;
  clearTimeout(timer);
  assert.equal(code, 0, stderr);
  return steps;
}

test('MSAL signs in by client credentials and by device code', async (t) => {
  const { tree, ca } = await tlsTree(t);
  const alice = tree.as('alice');
  const authority = `${new URL(tree.ready.issuer).origin}/adfs`;
  const bearer = (step) => ({ token: step.access_token });

  await t.test('client credentials', async () => {
    const { client_id, client_secret } = alice.account;
    const { token } = await msal(ca, [authority, 'client', client_id, tree.first.scope], { input: client_secret });
    assert.ok(token.access_token, JSON.stringify(token));
    assert.deepEqual(claimsOf(token.access_token).roles, ['WorkspaceResearcher']);
    assert.equal((await alice.call('GET', `/workspaces/${tree.first.id}/requests`, undefined, bearer(token))).status, 200);
    const wrong = await msal(ca, [authority, 'client', client_id, tree.first.scope], { input: 'wrong' });
    assert.equal(wrong.token.error, 'invalid_client');
  });
  await t.test('device code, then other resources by the refresh token', async () => {
    const named = (scope) => scope.replace('/.default', '/user_impersonation');
    const steps = await msal(ca, [authority, 'device', 'airlock-cli', named(tree.ready.api_scope), named(tree.first.scope)], {
      onStep: (step) => step.step === 'codes' && allowDevice(step.verification_uri, step.user_code, 'alice', alice.password),
    });
    assert.match(steps.codes.message, /^To sign in, use a web browser to open the page https:\/\/.*\/adfs\/device and enter the code /);
    assert.ok(steps.token.access_token, JSON.stringify(steps.token));
    assert.equal(steps.token.id_token_claims.preferred_username, 'alice@example.org');
    assert.equal((await alice.call('GET', '/workspaces', undefined, bearer(steps.token))).status, 200);
    for (const step of [steps.refreshed, steps.again]) {
      assert.ok(step.access_token, JSON.stringify(step));
      assert.equal((await alice.call('GET', `/workspaces/${tree.first.id}/requests`, undefined, bearer(step))).status, 200);
    }
    assert.notEqual(steps.refreshed.access_token, steps.again.access_token);
  });
});
