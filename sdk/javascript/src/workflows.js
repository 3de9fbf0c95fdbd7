// Workflows: what an agent is told and how it speaks. Every session follows one.

import { UnreadableAnswer } from './errors.js';
import { object, whole } from './requests.js';

const PATH = '/api/workflows/';

export class Workflows {
  #requests;

  constructor(requests) {
    this.#requests = requests;
  }

  async list() {
    const told = await this.#requests.ask('GET', PATH);
    if (!Array.isArray(told)) {
      throw new UnreadableAnswer('no list of workflows');
    }
    return told;
  }

  async create(workflow) {
    return object(await this.#requests.ask('POST', PATH, { body: workflow }));
  }

  async update(workflowId, changes) {
    return object(
      await this.#requests.ask('PUT', `${PATH}${whole(workflowId)}`, { body: changes }),
    );
  }

  async delete(workflowId) {
    await this.#requests.ask('DELETE', `${PATH}${whole(workflowId)}`);
  }
}
