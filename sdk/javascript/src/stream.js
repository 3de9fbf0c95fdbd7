// A session's updates, as events, over as many connections as it takes.

import { toCamel } from './casing.js';
import { ConnectionFailed, RateLimited, ServerFailed, UnreadableAnswer } from './errors.js';

/** Before the first new connection; before any. Each wait is twice as long as the last. */
const [FIRST_WAIT_MS, LONGEST_WAIT_MS] = [500, 30_000];
/** Connections in a row that bring nothing new, before the stream gives up. */
const TRIES = 8;
/** Close codes: all is said; from there on they are the API's own, and mean that it refuses. */
const [NORMAL, FIRST_OF_THE_API] = [1000, 4000];
/** Statuses that a session keeps. */
const ENDED = ['completed', 'failed'];

/** Milliseconds to wait at most, after so many connections that brought nothing. */
export function longestWaitMs(failures) {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1));
}

/**
 * `stream.on('update', …)`, or `for await (const update of stream)`, until the session has ended.
 *
 * A lost connection is made again, after a wait. Each begins with the session's status as it is
 * then, so that an end that was missed is told as well; a status already told is not told twice.
 */
export class SessionStream {
  #connect;
  #get;
  #listeners = new Map();
  #socket = null;
  #timer = null;
  #over = false;
  #status = null;
  #failures = 0;

  constructor(sessionId, connect, get) {
    this.sessionId = sessionId;
    this.#connect = connect;
    this.#get = get;
    // Whoever made the stream has this turn to say what it wants to hear.
    queueMicrotask(() => this.#begin());
  }

  on(event, listener) {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
    return this;
  }

  off(event, listener) {
    const others = (this.#listeners.get(event) ?? []).filter((one) => one !== listener);
    this.#listeners.set(event, others);
    return this;
  }

  once(event, listener) {
    const heard = (value) => {
      this.off(event, heard);
      listener(value);
    };
    return this.on(event, heard);
  }

  /** Say something in the session, as the customer. */
  say(content) {
    if (this.#socket === null) {
      throw new ConnectionFailed('the stream has no connection: wait for an update');
    }
    this.#socket.send(JSON.stringify({ type: 'user_message', content }));
  }

  close() {
    this.#finish();
  }

  async *[Symbol.asyncIterator]() {
    const waiting = [];
    let wake = () => {};
    let [over, failure] = [this.#over, null];
    const tell = (change) => (value) => {
      change(value);
      wake();
    };
    this.on('update', tell((update) => waiting.push(update)));
    this.on('error', tell((error) => (failure = error)));
    this.on('end', tell(() => (over = true)));
    try {
      while (true) {
        while (waiting.length > 0) {
          yield waiting.shift();
        }
        if (failure !== null) {
          throw failure;
        }
        if (over) {
          return;
        }
        await new Promise((resolve) => (wake = resolve));
      }
    } finally {
      this.close();
    }
  }

  async #begin() {
    if (this.#over) {
      return;
    }
    let socket;
    try {
      socket = await this.#connect();
    } catch (cause) {
      // Platforms do not tell why a WebSocket was not opened: it may have been refused.
      await this.#failed(true, cause.message);
      return;
    }
    if (this.#over) {
      socket.close();
      return;
    }
    this.#socket = socket;
    let first = true;
    socket.onmessage = ({ data }) => {
      this.#take(data, first);
      first = false;
    };
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
    socket.onerror = () => {}; // a close follows
  }

  #take(data, first) {
    if (this.#over) {
      return;
    }
    let told = null;
    try {
      told = JSON.parse(data);
    } catch {
      // Reported below, as anything else that is no update.
    }
    if (typeof told?.type !== 'string') {
      this.#fail(new UnreadableAnswer(`no update: ${String(data).slice(0, 200)}`));
      return;
    }
    const update = toCamel({ ...told, status: told.status ?? told.data?.status ?? null });
    const repeated = first && update.type === 'status_change' && update.status === this.#status;
    this.#status = update.status ?? this.#status;
    if (repeated) {
      return;
    }
    if (update.type !== 'error') {
      this.#failures = 0; // by an error a server may refuse, again and again
    }
    this.#emit('update', update);
    if (update.type === 'session_ended') {
      this.#finish();
    }
  }

  #closed(code, reason) {
    this.#socket = null;
    if (this.#over) {
      return;
    }
    if (code === NORMAL && ENDED.includes(this.#status)) {
      this.#finish();
    } else {
      this.#failed(code >= FIRST_OF_THE_API, reason || `closed with code ${code}`);
    }
  }

  /** Count it, and try again or give up. `refused`: a request may tell why. */
  async #failed(refused, why) {
    this.#failures += 1;
    if (refused) {
      try {
        await this.#get();
      } catch (error) {
        const passing = [ConnectionFailed, RateLimited, ServerFailed];
        if (!passing.some((kind) => error instanceof kind)) {
          this.#fail(error);
          return;
        }
      }
    }
    if (this.#over) {
      return;
    }
    if (this.#failures >= TRIES) {
      this.#fail(new ConnectionFailed(`no updates of session ${this.sessionId}: ${why}`));
      return;
    }
    // By chance, so that the clients of a server that comes back do not all come at once.
    const wait = longestWaitMs(this.#failures) * (0.5 + 0.5 * Math.random());
    this.#emit('reconnect', { attempt: this.#failures, waitMs: wait, reason: why });
    this.#timer = setTimeout(() => this.#begin(), wait);
  }

  #fail(error) {
    if (this.#over) {
      return;
    }
    if ((this.#listeners.get('error') ?? []).length > 0) {
      this.#emit('error', error);
    } else {
      // As an error that nobody catches: it must not be lost.
      queueMicrotask(() => {
        throw error;
      });
    }
    this.#finish();
  }

  #finish() {
    if (this.#over) {
      return;
    }
    this.#over = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#socket = null;
    this.#emit('end');
  }

  #emit(event, value) {
    for (const listener of this.#listeners.get(event) ?? []) {
      listener(value);
    }
  }
}
