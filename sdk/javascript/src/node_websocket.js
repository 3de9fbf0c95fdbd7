// A WebSocket for a Node that has none: as much of the browser's as the streams need.

import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';

import { CLOSE, FrameReader, PING, PONG, ProtocolError, TEXT, frame } from './frames.js';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'; // RFC 6455 §1.3
const CONNECT_MS = 30_000;
/** After so long without a word a ping is sent; after as long again the connection is lost. */
const SILENCE_MS = 20_000;
/** Close codes: none was given; the connection was lost (RFC 6455 §7.4.1). */
const [NO_STATUS, ABNORMAL] = [1005, 1006];

export class NodeWebSocket {
  onopen = () => {};
  onmessage = () => {};
  onerror = () => {};
  onclose = () => {};
  #reader = new FrameReader();
  #request;
  #socket = null;
  #over = false;
  #pinged = false;

  constructor(url) {
    const key = randomBytes(16).toString('base64');
    const address = new URL(url.replace(/^ws/, 'http'));
    this.#request = (address.protocol === 'https:' ? https : http).request(address, {
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Key': key,
        'Sec-WebSocket-Version': '13',
      },
      timeout: CONNECT_MS,
      agent: false,
    });
    this.#request.on('upgrade', (response, socket, head) => {
      const accept = createHash('sha1').update(key + GUID).digest('base64');
      if (response.headers['sec-websocket-accept'] !== accept) {
        socket.destroy();
        this.#end(ABNORMAL, 'what answered is no WebSocket server');
        return;
      }
      this.#open(socket, head);
    });
    this.#request.on('response', (response) => {
      response.destroy();
      this.#end(ABNORMAL, `refused with status ${response.statusCode}`);
    });
    this.#request.on('timeout', () => this.#request.destroy(new Error('no answer')));
    this.#request.on('error', (error) => this.#end(ABNORMAL, error.message));
    this.#request.end();
  }

  send(text) {
    this.#write(TEXT, Buffer.from(text));
  }

  close() {
    if (this.#socket === null) {
      this.#request.destroy();
    } else {
      this.#write(CLOSE, closing(1000));
      this.#socket.end();
    }
    this.#end(NO_STATUS, 'closed here');
  }

  #open(socket, head) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setTimeout(SILENCE_MS);
    socket.on('timeout', () => this.#silent());
    socket.on('data', (data) => this.#receive(data));
    socket.on('error', (error) => this.#end(ABNORMAL, error.message));
    socket.on('close', () => this.#end(ABNORMAL, 'the connection ended'));
    // Who waits for the opening sets its handlers in a turn of its own.
    setImmediate(() => this.#receive(head));
    this.onopen();
  }

  #silent() {
    if (this.#pinged) {
      this.#end(ABNORMAL, 'nothing came, and no answer to a ping');
    } else {
      this.#pinged = true;
      this.#write(PING, Buffer.alloc(0));
      this.#socket.setTimeout(SILENCE_MS);
    }
  }

  #receive(data) {
    this.#pinged = false;
    try {
      for (const { opcode, payload } of this.#over ? [] : this.#reader.receive(data)) {
        this.#take(opcode, payload);
        if (this.#over) {
          return;
        }
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) {
        throw error; // a listener's own
      }
      this.#end(ABNORMAL, error.message);
    }
  }

  #take(opcode, payload) {
    if (opcode === TEXT) {
      this.onmessage({ data: textOf(payload) });
    } else if (opcode === PING) {
      this.#write(PONG, payload);
    } else if (opcode === CLOSE) {
      const code = payload.length < 2 ? NO_STATUS : payload.readUInt16BE(0);
      this.#write(CLOSE, payload.subarray(0, 2));
      this.#end(code, payload.subarray(2).toString());
    }
  }

  #write(opcode, payload) {
    if (this.#socket !== null && this.#socket.writable) {
      this.#socket.write(frame(opcode, payload, randomBytes(4)));
    }
  }

  #end(code, reason) {
    if (this.#over) {
      return;
    }
    this.#over = true;
    if (this.#socket !== null) {
      this.#socket.setTimeout(0);
      this.#socket.end();
      this.#socket.destroySoon();
    }
    if (code === ABNORMAL) {
      this.onerror({ message: reason });
    }
    this.onclose({ code, reason });
  }
}

function textOf(payload) {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(payload);
  } catch {
    throw new ProtocolError('text that is no UTF-8');
  }
}

function closing(code) {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return payload;
}
