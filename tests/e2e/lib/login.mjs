// A browser's part of the log-in, by plain HTTP: the page is fetched, its form filled in and posted.
import crypto from 'node:crypto';
import assert from 'node:assert/strict';
import { form, postForm, send } from './http.mjs';

export function pkce() {
  const verifier = crypto.randomBytes(32).toString('base64url');
  return { verifier, challenge: crypto.createHash('sha256').update(verifier).digest('base64url') };
}

export async function discover(tree) {
  const answer = await send('GET', `${tree.ready.issuer}/.well-known/openid-configuration`);
  assert.equal(answer.status, 200, answer.text);
  return answer.body;
}

export function authorizeUrl(endpoint, parameters) {
  return `${endpoint}?${form({ response_type: 'code', code_challenge_method: 'S256', ...parameters })}`;
}

const unescape = (text) => text.replaceAll('&quot;', '"').replaceAll('&#39;', '\'').replaceAll('&apos;', '\'')
  .replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

/** Opens the page at url; answers its form: where it goes, its hidden fields, and the browser's cookie. */
export async function openPage(url, headers = {}) {
  const page = await send('GET', url, { headers });
  assert.equal(page.status, 200, page.text);
  return readPage(page, url);
}

function readPage(page, url) {
  const action = /<form[^>]* action="([^"]*)"/.exec(page.text);
  assert.ok(action, 'the page has a form');
  const hidden = [...page.text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
  return {
    page,
    action: new URL(unescape(action[1]), url).href,
    fields: Object.fromEntries(hidden.map((match) => [match[1], unescape(match[2])])),
    cookie: (page.headers['set-cookie'] ?? []).map((c) => c.split(';')[0]).join('; '),
  };
}

export function postLogin(opened, username, password, headers = {}) {
  return postForm(opened.action, { ...opened.fields, username, password }, { cookie: opened.cookie, ...headers });
}

/** The whole way to a redirect: answers its parameters. */
export async function logIn(url, username, password) {
  const answer = await postLogin(await openPage(url), username, password);
  assert.ok([302, 303].includes(answer.status), `${answer.status} ${answer.text}`);
  return new URL(answer.headers.location);
}

/** The form of an answer that follows another page: as openPage gives it, with the cookies of both. */
export function nextPage(opened, answer) {
  const page = readPage(answer, opened.action);
  return { ...page, cookie: [page.cookie, opened.cookie].filter(Boolean).join('; ') };
}

/** Types a device's code; answers the page that asks for the person's word. */
export async function typeCode(uri, userCode) {
  const opened = await openPage(uri);
  const answer = await postForm(opened.action, { ...opened.fields, user_code: userCode }, { cookie: opened.cookie });
  return answer.status === 200 ? nextPage(opened, answer) : { page: answer };
}

/** The whole way of a device's code: a person signs in and allows it. */
export async function allowDevice(uri, userCode, username, password) {
  const answer = await postLogin(await typeCode(uri, userCode), username, password);
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.text, /Done/);
  return answer;
}
