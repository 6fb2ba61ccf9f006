// A real broker for tests: Debian's RabbitMQ, as a node of its own with its own name, ports, cookie and database in a temporary
// directory. Never Debian's service.
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import amqplib from 'amqplib';
import { run } from './run.mjs';
import { freePortBase, temporaryDir, until } from './tree.mjs';

const PROGRAMS = '/usr/lib/rabbitmq/bin';
const START_MS = 90_000;

export class RabbitMQ {
  user = 'airlock';
  password = crypto.randomBytes(12).toString('hex');

  /** tls: a certificate of lib/tls.mjs; then the broker speaks TLS at tlsPort, too. */
  constructor({ tls = null } = {}) {
    this.tls = tls;
    this.dir = temporaryDir('rabbitmq');
    this.logFile = path.join(this.dir, 'output.log');
  }

  async start() {
    this.port ??= await freePortBase();
    const at = (name) => path.join(this.dir, name);
    const lines = [`listeners.tcp.default = 127.0.0.1:${this.port}`, `default_user = ${this.user}`, `default_pass = ${this.password}`];
    if (this.tls) lines.push(`listeners.ssl.default = 127.0.0.1:${this.tlsPort}`, `ssl_options.certfile = ${this.tls.certificateFile}`, `ssl_options.keyfile = ${this.tls.keyFile}`);
    fs.writeFileSync(at('rabbitmq.conf'), [...lines, ''].join('\n'));
    fs.writeFileSync(at('plugins'), '[].\n');
    this.env = {
      ...process.env, HOME: this.dir, ERL_EPMD_PORT: `${this.port + 1}`, ERL_EPMD_ADDRESS: '127.0.0.1', RABBITMQ_NODENAME: `airlock${this.port}@localhost`,
      RABBITMQ_DIST_PORT: `${this.port + 2}`, RABBITMQ_MNESIA_BASE: at('mnesia'), RABBITMQ_LOG_BASE: at('log'), RABBITMQ_LOGS: '-',
      RABBITMQ_CONFIG_FILE: at('rabbitmq'), RABBITMQ_ENABLED_PLUGINS_FILE: at('plugins'), RABBITMQ_PID_FILE: at('pid'),
    };
    const log = fs.openSync(this.logFile, 'a');
    this.child = spawn(path.join(PROGRAMS, 'rabbitmq-server'), [], { env: this.env, stdio: ['ignore', log, log], detached: true });
    fs.closeSync(log);
    this.exit = new Promise((resolve) => this.child.once('exit', resolve));
    const answers = async () => (await this.connect().catch(() => null))?.close().then(() => true);
    await until('the broker to answer', answers, { timeout: START_MS }).catch(async (error) => {
      const said = fs.readFileSync(this.logFile, 'utf8');
      await this.stop();
      throw new Error(`${error.message}: ${said}`);
    });
    return this;
  }

  get tlsPort() {
    return this.port + 3;
  }

  /** A broken connection is the tests' doing, and no reason to end them. */
  async connect() {
    const connection = await amqplib.connect({ hostname: '127.0.0.1', port: this.port, username: this.user, password: this.password });
    connection.on('error', () => {});
    return connection;
  }

  /** As a power cut would: nothing is said to anybody. */
  async kill() {
    process.kill(-this.child.pid, 'SIGKILL');
    await this.exit;
  }

  /** The port mapper of Erlang stays behind otherwise. */
  async stop() {
    await this.kill();
    await run('epmd', ['-port', `${this.port + 1}`, '-kill'], { env: this.env }).catch(() => {});
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Keeps what comes to a durable queue; comes again when the broker does. */
export class Consumer {
  got = [];

  constructor(broker, binding = '#') {
    Object.assign(this, { broker, binding });
  }
  async start() {
    this.connection = await this.broker.connect();
    const channel = await this.connection.createChannel();
    await channel.assertExchange('airlock', 'topic', { durable: true });
    await channel.assertQueue(this.binding, { durable: true });
    await channel.bindQueue(this.binding, 'airlock', this.binding);
    await channel.consume(this.binding, (message) => {
      if (!message) return;
      this.got.push({ key: message.fields.routingKey, ...message.properties, event: JSON.parse(message.content) });
      channel.ack(message);
    });
    return this;
  }
  /** What came about the request, once each, in the order of their numbers. */
  of(request) {
    const seen = new Map(this.got.filter(({ event }) => event.subject === request.id).map((message) => [message.messageId, message]));
    return [...seen.values()].sort((a, b) => a.event.data.sequence - b.event.data.sequence);
  }
  /** All of it, up to the status. */
  async upTo(request, status) {
    return until(`${status} of ${request.id} on the broker`, () => {
      const messages = this.of(request);
      const complete = messages.every(({ event }, i) => event.data.sequence === i + 1);
      return complete && messages.some(({ event }) => event.data.new_status === status && event.type === 'airlock.status_changed.v1') && messages;
    }, { timeout: 60_000 });
  }
}
