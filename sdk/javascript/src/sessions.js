// Communication sessions: calls that an agent holds after a workflow.

import { snakeName } from './casing.js';
import { object, whole } from './requests.js';
import { SessionStream } from './stream.js';
import { connected } from './websocket.js';

const PATH = '/api/sessions/';

export class Sessions {
  #requests;

  constructor(requests) {
    this.#requests = requests;
  }

  async create(session) {
    return object(await this.#requests.ask('POST', PATH, { body: session }));
  }

  async get(sessionId) {
    return object(await this.#requests.ask('GET', `${PATH}${whole(sessionId)}`));
  }

  async list(query = {}) {
    const { sort } = query;
    const asked = sort === undefined ? query : { ...query, sort: snakeName(sort) };
    return object(await this.#requests.ask('GET', PATH, { query: asked }));
  }

  async update(sessionId, changes) {
    return object(
      await this.#requests.ask('PUT', `${PATH}${whole(sessionId)}`, { body: changes }),
    );
  }

  stream(sessionId) {
    const { baseUrl, apiKey } = this.#requests;
    const url = `${baseUrl}/ws/session/${whole(sessionId)}`.replace(/^http/, 'ws');
    return new SessionStream(
      Number(sessionId),
      () => connected(url, apiKey),
      () => this.get(sessionId),
    );
  }
}
