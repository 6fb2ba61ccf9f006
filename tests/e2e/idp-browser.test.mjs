// The provider's pages in a real browser: Debian's Chromium, with and without JavaScript, by keyboard alone.
import assert from 'node:assert/strict';
import http from 'node:http';
import path from 'node:path';
import test from 'node:test';
import { postForm, startTree } from './harness.mjs';
import { startBrowser } from './lib/browser.mjs';
import { authorizeUrl, discover, pkce } from './lib/login.mjs';

const PICTURES = process.env.AIRLOCK_PICTURES; // a directory: the pages are kept there to be looked at

/** The program that the browser comes back to: answers each call with "back". */
async function startProgram(t) {
  const server = http.createServer((request, response) => response.end('back'));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${server.address().port}/callback`;
}

async function picture(page, name) {
  if (PICTURES) await page.screenshot({ path: path.join(PICTURES, `${name}.png`), fullPage: true });
}

const redirected = (page, redirect) => page.waitForURL((url) => url.href.startsWith(redirect)).then(() => new URL(page.url()));

for (const javaScriptEnabled of [true, false]) {
  test(`a person signs in with Chromium, JavaScript ${javaScriptEnabled ? 'on' : 'off'}`, async (t) => {
    const tree = await startTree(t);
    const about = await discover(tree);
    const redirect = await startProgram(t);
    const context = await startBrowser(t, { javaScriptEnabled });
    const alice = tree.as('alice');
    const proof = pkce();
    const scope = `${tree.first.scope} openid offline_access`;
    const url = authorizeUrl(about.authorization_endpoint, { client_id: 'airlock-cli', redirect_uri: redirect, scope, state: 's', code_challenge: proof.challenge });
    const page = await context.newPage();
    const problems = [];
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && problems.push(message.text()));

    await t.test('a wrong password is announced, then the right one, by keyboard alone', async () => {
      await page.goto(url);
      assert.equal(await page.title(), 'Sign in - airlock');
      await picture(page, 'login');
      await page.keyboard.type('alice'); // the first field has the focus
      await page.keyboard.press('Tab');
      await page.keyboard.type('wrong');
      await page.keyboard.press('Enter');
      const alert = page.getByRole('alert');
      await alert.waitFor();
      assert.match(await alert.innerText(), /name or the password is wrong/);
      await picture(page, 'login-wrong');
      assert.equal(await page.getByLabel('User name or e-mail address').inputValue(), 'alice');
      assert.equal(await page.getByLabel('Password').getAttribute('aria-describedby'), 'problem');
      await page.keyboard.type(alice.password); // now the password has it
      await page.keyboard.press('Enter');
      const back = await redirected(page, redirect);
      assert.equal(back.searchParams.get('state'), 's');
      const code = back.searchParams.get('code');
      const tokens = await postForm(about.token_endpoint, { grant_type: 'authorization_code', client_id: 'airlock-cli', code, redirect_uri: redirect, code_verifier: proof.verifier });
      assert.equal(tokens.status, 200, tokens.text);
      assert.ok(tokens.body.refresh_token);
    });
    await t.test('the second time a click is enough', async () => {
      await page.goto(url);
      await page.getByText('alice', { exact: true }).waitFor();
      await picture(page, 'continue');
      await page.keyboard.press('Enter');
      await redirected(page, redirect);
    });
    await t.test('a device is allowed', async () => {
      const begun = await postForm(about.device_authorization_endpoint, { client_id: 'airlock-cli', scope });
      await page.goto(begun.body.verification_uri);
      await page.keyboard.type('bbbb-bbbb');
      await picture(page, 'device');
      await page.keyboard.press('Enter');
      await page.getByRole('alert').waitFor();
      await picture(page, 'device-wrong');
      await page.getByLabel('Code').fill(begun.body.user_code.toLowerCase());
      await page.getByRole('button', { name: 'Next' }).click();
      await page.getByRole('button', { name: 'Use another account' }).click();
      await page.getByText(begun.body.user_code).waitFor();
      await picture(page, 'device-allow');
      await page.getByLabel('User name or e-mail address').fill('alice');
      await page.getByLabel('Password').fill(alice.password);
      await page.getByRole('button', { name: 'Sign in and allow' }).click();
      await page.getByRole('status').waitFor();
      await picture(page, 'device-done');
      const tokens = await postForm(about.token_endpoint, { grant_type: 'device_code', client_id: 'airlock-cli', device_code: begun.body.device_code });
      assert.equal(tokens.status, 200, tokens.text);
    });
    await t.test('signing out', async () => {
      await page.goto(about.end_session_endpoint);
      await picture(page, 'logout');
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByRole('status').waitFor();
      await page.goto(url);
      await page.getByLabel('Password').waitFor();
    });
    assert.deepEqual(problems.filter((text) => !/status of 4\d\d|favicon/.test(text)), [], 'the browser has nothing to say');
  });
}

test('a page is readable on a phone and in the dark', async (t) => {
  const tree = await startTree(t);
  const about = await discover(tree);
  const context = await startBrowser(t, { viewport: { width: 320, height: 640 }, colorScheme: 'dark' });
  const page = await context.newPage();
  const begun = await postForm(about.device_authorization_endpoint, { client_id: 'airlock-cli', scope: `${tree.first.scope} openid offline_access` });
  await page.goto(begun.body.verification_uri_complete);
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('button', { name: 'Deny' }).waitFor();
  await picture(page, 'phone-dark');
  assert.ok(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth'), 'nothing is cut off');
  await page.getByRole('button', { name: 'Deny' }).click();
  await page.getByRole('status').waitFor();
});
