// One request after another. No retry: what is tried again is the caller's decision.

import { toCamel, toSnake } from './casing.js';
import { ConnectionFailed, UnreadableAnswer, refusal } from './errors.js';

export class Requests {
  #timeoutMs;

  constructor(baseUrl, apiKey, timeoutMs) {
    const url = new URL(baseUrl);
    if (!['http:', 'https:'].includes(url.protocol) || url.search || url.hash) {
      throw new TypeError(`baseUrl is no http(s) address that ends with its path: ${baseUrl}`);
    }
    if (typeof apiKey !== 'string' || !/^[\x21-\x7e]+$/.test(apiKey)) {
      throw new TypeError('apiKey is empty, or has characters that no key has');
    }
    this.baseUrl = url.href.replace(/\/+$/, '');
    this.apiKey = apiKey;
    this.#timeoutMs = timeoutMs;
  }

  /** The decoded answer; null where it has no body. */
  async ask(method, path, { query = {}, body } = {}) {
    const url = new URL(this.baseUrl + path);
    for (const [name, value] of Object.entries(toSnake(query))) {
      if (value !== undefined && value !== null) {
        url.searchParams.set(name, typeof value === 'object' ? JSON.stringify(value) : value);
      }
    }
    const headers = { Accept: 'application/json', Authorization: `Bearer ${this.apiKey}` };
    if (body !== undefined) {
      headers['Content-Type'] = 'application/json';
    }
    let response;
    let text;
    try {
      response = await fetch(url, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(toSnake(body)),
        redirect: 'error', // the API redirects nowhere, and a key must not follow
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
      text = await response.text();
    } catch (cause) {
      const why = cause.cause?.message || cause.cause?.code || cause.message;
      throw new ConnectionFailed(`${method} ${url.origin}${url.pathname}: ${why}`, { cause });
    }
    if (!response.ok) {
      throw refusal(response.status, response.headers, text);
    }
    if (text === '') {
      return null;
    }
    try {
      return toCamel(JSON.parse(text));
    } catch (cause) {
      throw new UnreadableAnswer(`no JSON: ${text.slice(0, 200)}`, { cause });
    }
  }
}

/** An object of an answer. */
export function object(told) {
  if (told === null || typeof told !== 'object' || Array.isArray(told)) {
    throw new UnreadableAnswer(`no object: ${JSON.stringify(told).slice(0, 200)}`);
  }
  return told;
}

/** A number in a path. */
export function whole(id) {
  if (!Number.isSafeInteger(Number(id)) || id === null || id === '') {
    throw new TypeError(`no id: ${id}`);
  }
  return Number(id);
}
