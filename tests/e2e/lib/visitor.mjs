// A person's browser, by plain HTTP: keeps cookies, follows redirects, fills in forms. For log-in pages of any provider.
import assert from 'node:assert/strict';
import { form, send } from './http.mjs';

const STEPS_MAX = 20;
const unescape = (text) => text.replaceAll('&quot;', '"').replaceAll('&#39;', '\'').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

/** The first form of a page that posts: where it goes and its fields with their values. */
function readForm(page, base) {
  const found = /<form\b([^>]*)>([\s\S]*?)<\/form>/i.exec(page);
  if (!found) return null;
  const attribute = (tag, name) => unescape(new RegExp(`\\b${name}="([^"]*)"`, 'i').exec(tag)?.[1] ?? '');
  const fields = {};
  const [button] = /<button\b[^>]*>/i.exec(found[2]) ?? []; // the first is what Enter presses
  for (const tag of [...(found[2].match(/<input\b[^>]*>/gi) ?? []), button ?? '']) {
    const name = attribute(tag, 'name');
    if (name && !(name in fields)) fields[name] = attribute(tag, 'value');
  }
  return { action: new URL(attribute(found[1], 'action') || base, base).href, fields };
}

export class Visitor {
  #cookies = new Map();

  /** ca: the authority of https addresses. */
  constructor({ ca } = {}) {
    this.ca = ca;
  }

  async #exchange(method, url, body) {
    const headers = { cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
    if (body !== undefined) headers['content-type'] = 'application/x-www-form-urlencoded';
    const answer = await send(method, url, { headers, body, ca: this.ca });
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      this.#cookies.set(name, value);
    }
    return answer;
  }

  /** Answers the page at url, redirects followed; stops before an address that `until` fits. */
  async open(url, { until = /^$/, method = 'GET', body } = {}) {
    for (let step = 0; step < STEPS_MAX; step++) {
      const answer = await this.#exchange(method, url, body);
      if (answer.status < 300 || answer.status >= 400) return { url, status: answer.status, text: answer.text };
      url = new URL(answer.headers.location, url).href;
      if (until.test(url)) return { url, status: answer.status, text: '' };
      [method, body] = ['GET', undefined];
    }
    throw new Error(`too many redirects, the last to ${url}`);
  }

  /** Opens url and submits form after form, each field with our value where `fill` has one, until a page has none. */
  async walk(url, fill, { until, stop = () => false } = {}) {
    let page = await this.open(url, { until });
    for (let step = 0; step < STEPS_MAX; step++) {
      assert.ok(page.status < 400, `${page.url}: ${page.status} ${page.text}`);
      const next = readForm(page.text, page.url);
      if (!next || stop(page)) return page;
      page = await this.#submit(next, fill, until);
    }
    throw new Error(`too many forms, the last at ${page.url}`);
  }

  /** The same as far as a page that has a button of that name, which is pressed instead. */
  async walkAndPress(url, fill, button) {
    const page = await this.walk(url, fill, { stop: ({ text }) => text.includes(`name="${button}"`) });
    const { action, fields } = readForm(page.text, page.url);
    return this.#submit({ action, fields: { ...fields, [button]: '1' } }, {});
  }

  #submit({ action, fields }, fill, until) {
    const filled = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, fill[name] ?? value]));
    return this.open(action, { until, method: 'POST', body: form(filled) });
  }
}
