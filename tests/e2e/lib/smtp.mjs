// A real mail server (smtp-server) that keeps what it is given, read by a real reader of mail (mailparser).
import { simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';

function refusal(reply) {
  const error = new Error(reply.slice(4));
  error.responseCode = Number(reply.slice(0, 3));
  return error;
}

/** How often the header stands in the block before the first empty line. */
export function headerCount(mail, name) {
  const head = mail.raw.slice(0, mail.raw.indexOf('\r\n\r\n'));
  return head.split('\r\n').filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`)).length;
}

export class MailServer {
  mails = []; // { raw, from, to, secure, user, parsed }
  port = 0;
  /** "550 …" refuses the recipient, "" takes it; the same for what was said after DATA. */
  onRecipient = () => '';
  onContent = () => '';

  /** options: those of smtp-server; users: { name: password }, who must sign in. */
  constructor({ users, host = '127.0.0.1', ...options } = {}) {
    Object.assign(this, { users, host, options });
  }

  async start() {
    this.server = new SMTPServer({
      authOptional: !this.users, disabledCommands: this.users ? [] : ['AUTH'], disableReverseLookup: true, logger: false, ...this.options,
      onAuth: ({ username, password }, session, done) => (this.users[username] === password ? done(null, { user: username }) : done(refusal('535 5.7.8 no'))),
      onRcptTo: ({ address }, session, done) => {
        const reply = this.onRecipient(address, session);
        done(reply ? refusal(reply) : undefined);
      },
      onData: (stream, session, done) => this.#take(stream, session, done),
    });
    this.server.on('error', () => {}); // clients that go away in the middle
    await new Promise((resolve, reject) => {
      this.server.server.once('error', reject);
      this.server.listen(this.port, this.host, resolve);
    });
    this.port = this.server.server.address().port;
    return this;
  }

  async stop() {
    for (const connection of this.server.connections) connection.close();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async #take(stream, session, done) {
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    const raw = Buffer.concat(chunks).toString('latin1');
    const reply = this.onContent(raw, session);
    if (!reply) {
      const { mailFrom, rcptTo } = session.envelope;
      this.mails.push({
        raw, from: mailFrom.address, to: rcptTo.map((to) => to.address), secure: session.secure, user: session.user,
        parsed: await simpleParser(Buffer.from(raw, 'latin1')),
      });
    }
    done(reply ? refusal(reply) : null);
  }
}
