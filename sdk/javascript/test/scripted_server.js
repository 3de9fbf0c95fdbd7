// A server of Aetherium's sessions that answers as a test tells it to. Its own side of RFC 6455.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';

import { CLOSE, FrameReader } from '../src/frames.js';

export const KEY = 'key-1';
export const SESSION = {
  id: 7,
  workflow_id: 1,
  phone_number: '+1555123456',
  session_type: 'outbound',
  status: 'pending',
  started_at: null,
  ended_at: null,
  duration_seconds: null,
  transcript: null,
  ai_response: null,
  metadata: {},
};

export function update(type, status, data = {}) {
  return { type, session_id: 7, status, data: { ...data, status } };
}

export class ScriptedServer {
  /** What came: {method, path, key, body}. */
  asked = [];
  /** The next answers: [status, body, headers]; none left: SESSION. */
  answers = [];
  /** The steps of the next streams: an object is sent, a number closes, 'abort' cuts. */
  streams = [];
  streamed = 0;
  /** What clients sent in streams. */
  said = [];
  #sockets = new Set();

  async start() {
    this.server = http.createServer((request, response) => this.#answer(request, response));
    this.server.on('upgrade', (request, socket) => this.#stream(request, socket));
    this.server.on('connection', (socket) => this.#sockets.add(socket));
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.url = `http://127.0.0.1:${this.server.address().port}/mounted`;
    return this;
  }

  async stop() {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    this.server.close();
    await once(this.server, 'close');
  }

  refuse(status, code, headers = {}) {
    const body = { detail: `no: ${code}`, error_code: code, request_id: 'req_1' };
    this.answers.push([status, body, headers]);
  }

  async #answer(request, response) {
    const chunks = await request.toArray();
    const text = Buffer.concat(chunks).toString();
    this.asked.push({
      method: request.method,
      path: request.url,
      key: request.headers.authorization,
      body: text === '' ? null : JSON.parse(text),
    });
    const [status, body, headers] = this.answers.shift() ?? [200, SESSION, {}];
    response.writeHead(status, headers);
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  }

  #stream(request, socket) {
    this.streamed += 1;
    socket.on('error', () => {});
    const steps = this.streams.shift();
    if (steps === undefined) {
      socket.end('HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    this.asked.push({ method: 'GET', path: request.url });
    const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(key).digest('base64');
    const head = ['HTTP/1.1 101 Switching', 'Upgrade: websocket', 'Connection: Upgrade'];
    socket.write([...head, `Sec-WebSocket-Accept: ${accept}`, '', ''].join('\r\n'));
    for (const step of steps) {
      if (step === 'abort') {
        socket.end();
      } else if (typeof step === 'number') {
        const payload = Buffer.alloc(2);
        payload.writeUInt16BE(step);
        socket.write(sent(8, payload));
      } else {
        socket.write(sent(1, Buffer.from(typeof step === 'string' ? step : JSON.stringify(step))));
      }
    }
    socket.on('data', (data) => this.#hear(socket, data));
  }

  #hear(socket, data) {
    // A client's frame, short and alone: unmasked, it is one of a server's.
    const mask = data.subarray(2, 6);
    const length = data[1] & 0x7f;
    const payload = data.subarray(6, 6 + length).map((byte, index) => byte ^ mask[index & 3]);
    for (const { opcode } of new FrameReader().receive(sent(data[0] & 0x0f, payload))) {
      this.said.push([opcode, payload.toString()]);
      if (opcode === CLOSE) {
        socket.end(); // it is the server that ends the connection (RFC 6455 §7.1.1)
      }
    }
  }
}

/** A frame as a server sends it. */
export function sent(opcode, payload) {
  const { length } = payload;
  const head = length < 126 ? [0x80 | opcode, length] : [0x80 | opcode, 126, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(head), payload]);
}
