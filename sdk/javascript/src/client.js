// The client: one key on one server.

import { Requests } from './requests.js';
import { Sessions } from './sessions.js';
import { Workflows } from './workflows.js';

/** Milliseconds for a whole request. */
const TIMEOUT_MS = 30_000;

export class AetheriumClient {
  constructor({ baseUrl, apiKey, timeoutMs = TIMEOUT_MS }) {
    const requests = new Requests(baseUrl, apiKey, timeoutMs);
    this.sessions = new Sessions(requests);
    this.workflows = new Workflows(requests);
  }
}
