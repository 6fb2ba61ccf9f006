// A person of the demo TRE: their tokens, and their calls of the API.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { postForm, send } from './http.mjs';

const TOKEN_LIFE_MS = 10 * 60_000;

export class Person {
  #tokens = new Map();

  /** The addresses and credentials of a ready line; called again when the tree was started again. */
  learn(ready, account) {
    this.ready = ready;
    Object.assign(this, { name: account.name, password: account.password, account });
    return this;
  }

  workspaceScope(workspace) {
    const found = this.ready.workspaces.find((w) => w.id === workspace);
    return found?.scope ?? this.ready.workspaces[0].scope;
  }

  async token(scope = this.ready.api_scope) {
    const kept = this.#tokens.get(scope);
    if (kept && kept.until > Date.now()) return kept.token;
    const answer = await postForm(this.ready.token_endpoint, {
      grant_type: 'client_credentials',
      client_id: this.account.client_id,
      client_secret: this.account.client_secret,
      scope,
    });
    assert.equal(answer.status, 200, `a token for ${this.name}: ${answer.text}`);
    this.#tokens.set(scope, { token: answer.body.access_token, until: Date.now() + TOKEN_LIFE_MS });
    return answer.body.access_token;
  }

  /** Calls /api PATH. Below /workspaces/ID/requests with that workspace's token, else with a core token; or as `token` says. */
  async call(method, path, body, { token, scope, headers = {}, ...rest } = {}) {
    const inside = /^\/workspaces\/([^/?]+)\/requests/.exec(path);
    const bearer = token ?? (await this.token(scope ?? (inside ? this.workspaceScope(inside[1]) : undefined)));
    return send(method, `${this.ready.api}/api${path}`, {
      headers: { ...(bearer ? { authorization: `Bearer ${bearer}` } : {}), ...headers },
      body,
      ...rest,
    });
  }

  async ok(method, path, body, options) {
    const answer = await this.call(method, path, body, options);
    assert.ok(answer.status < 300, `${this.name}: ${method} ${path} → ${answer.status} ${answer.text}`);
    return answer.body;
  }

  async createRequest(workspace, type, title = `An ${type}`) {
    const body = { type, title, businessJustification: `We need this ${type}.` };
    const { airlockRequest } = await this.ok('POST', `/workspaces/${workspace.id}/requests`, body);
    return new Request(workspace.id, airlockRequest);
  }

  /** Every request of the workspace, page after page. */
  async allRequests(workspace) {
    const found = [];
    for (let next = `/workspaces/${workspace.id}/requests?limit=500`; next; ) {
      const answer = await this.call('GET', next);
      assert.equal(answer.status, 200, answer.text);
      found.push(...answer.body.airlockRequests.map((envelope) => envelope.airlockRequest));
      const link = /<([^>]+)>; *rel="?next"?/.exec(answer.headers.link ?? '');
      next = link && new URL(link[1], this.ready.api).href.split('/api')[1];
    }
    return found;
  }

  at(request, tail = '') {
    return `/workspaces/${request.workspace}/requests/${request.id}${tail}`;
  }
  async show(request) {
    return (await this.ok('GET', this.at(request))).airlockRequest;
  }
  async actions(request) {
    return (await this.ok('GET', this.at(request))).allowedUserActions;
  }
  link(request, query = '') {
    return this.call('GET', this.at(request, `/link${query}`));
  }
  async linkUrl(request, query) {
    return (await this.ok('GET', this.at(request, `/link${query ?? ''}`))).containerUrl;
  }
  submit(request) {
    return this.call('POST', this.at(request, '/submit'));
  }
  cancel(request) {
    return this.call('POST', this.at(request, '/cancel'));
  }
  review(request, approval, manifestDigest, explanation = 'Looked at every file.') {
    const body = { approval, decisionExplanation: explanation, ...(manifestDigest ? { manifestDigest } : {}) };
    return this.call('POST', this.at(request, '/review'), body);
  }
  revoke(request, reason = 'It should not have gone out.') {
    return this.call('POST', this.at(request, '/revoke'), { reason });
  }

  /** Waits until the request has the status; any other resting status ends the wait at once. */
  async waitStatus(request, status, timeout = 20_000) {
    const end = Date.now() + timeout;
    for (let pause = 3; ; pause = Math.min(pause * 2, 200)) {
      const now = await this.show(request);
      if (now.status === status) return now;
      const moving = now.status === 'submitted' || now.status.endsWith('_in_progress');
      assert.ok(moving || Date.now() < end, `${request.id} is ${now.status} (${now.statusMessage ?? ''}), not ${status}`);
      assert.ok(Date.now() < end, `${request.id} stayed ${now.status} (${now.statusMessage ?? ''}), not ${status}`);
      await sleep(pause);
    }
  }
}

export class Request {
  constructor(workspace, envelope) {
    this.workspace = workspace;
    this.id = envelope.id;
    this.created = envelope;
  }
}

/** Asserts a problem document of that status; answers it. */
export function assertProblem(answer, status, pattern) {
  assert.equal(answer.status, status, answer.text);
  assert.match(answer.headers['content-type'] ?? '', /^application\/problem\+json/);
  assert.equal(answer.body.status, status);
  assert.equal(typeof answer.body.title, 'string');
  if (pattern) assert.match(answer.text, pattern);
  return answer.body;
}
