// The stream of updates: its end, its connections, what it refuses to hide.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, mock, test } from 'node:test';

import * as sdk from '../src/index.js';
import { longestWaitMs } from '../src/stream.js';
import { KEY, ScriptedServer, update } from './scripted_server.js';

const PENDING = update('status_change', 'pending');
const STARTED = update('session_started', 'active');
const HEARD = update('transcript_update', 'active', { role: 'customer', spoken_at: 1 });
const ENDED = update('session_ended', 'completed', { duration_seconds: 330 });

const server = new ScriptedServer();
let client;

before(async () => {
  await server.start();
  client = new sdk.AetheriumClient({ baseUrl: server.url, apiKey: KEY });
});
after(() => server.stop());
beforeEach(() => {
  Object.assign(server, { asked: [], answers: [], streams: [], said: [], streamed: 0 });
  // Waits between connections end at once.
  const real = globalThis.setTimeout;
  mock.method(globalThis, 'setTimeout', (verb, _, ...more) => real(verb, 0, ...more));
});
afterEach(() => mock.restoreAll());

/** All that a stream tells, and how it ends. */
function told(stream) {
  const updates = [];
  let failure = null;
  return new Promise((resolve) => {
    stream.on('update', (one) => updates.push(one));
    stream.on('error', (error) => (failure = error));
    stream.on('end', () => resolve({ updates, failure }));
  });
}

test('updates come in order and end with the session', async () => {
  server.streams.push([PENDING, STARTED, HEARD, ENDED, HEARD]);
  const { updates, failure } = await told(client.sessions.stream(7));
  assert.equal(failure, null);
  assert.deepEqual(
    updates.map((one) => [one.type, one.status]),
    [
      ['status_change', 'pending'],
      ['session_started', 'active'],
      ['transcript_update', 'active'],
      ['session_ended', 'completed'],
    ],
  );
  assert.deepEqual(updates[2].data, { role: 'customer', spokenAt: 1, status: 'active' });
  assert.equal(updates[3].sessionId, 7);
  assert.equal(server.asked[0].path, `/mounted/ws/session/7?token=${KEY}`);
});

test('a lost connection is made again, and nothing is told twice', async () => {
  const active = update('status_change', 'active');
  server.streams.push([PENDING, STARTED, 'abort'], [1011], [active, HEARD, 1001]);
  server.streams.push([update('status_change', 'completed'), ENDED]);
  const stream = client.sessions.stream(7);
  let waits = 0;
  stream.on('reconnect', () => (waits += 1));
  const { updates, failure } = await told(stream);
  assert.equal(failure, null);
  assert.deepEqual(
    updates.map((one) => [one.type, one.status]),
    [
      ['status_change', 'pending'],
      ['session_started', 'active'],
      ['transcript_update', 'active'],
      ['status_change', 'completed'],
      ['session_ended', 'completed'],
    ],
  );
  assert.deepEqual([server.streamed, waits], [4, 3]);
});

test('a server that closes after the end is not asked again', async () => {
  server.streams.push([update('status_change', 'failed'), 1000]);
  const { updates, failure } = await told(client.sessions.stream(7));
  assert.deepEqual([updates.length, failure, server.streamed], [1, null, 1]);
});

test('a session that is not there is told as by a request', async () => {
  server.streams.push([{ type: 'error', data: { detail: 'none' } }, 4404]);
  server.refuse(404, 'RESOURCE_NOT_FOUND');
  const { updates, failure } = await told(client.sessions.stream(7));
  assert.deepEqual(updates.map((one) => one.type), ['error']);
  assert.ok(failure instanceof sdk.NotFound);
});

test('it gives up after so many tries, and says why', async () => {
  const { failure } = await told(client.sessions.stream(7));
  assert.ok(failure instanceof sdk.ConnectionFailed);
  assert.match(failure.message, /session 7/);
  assert.equal(server.streamed, 8);
});

test('connections that bring nothing new, or an error, count as failures', async () => {
  server.streams.push([PENDING, 'abort'], [{ type: 'error', data: {} }, 1013]);
  for (let count = 0; count < 20; count += 1) {
    server.streams.push([PENDING, 'abort']);
  }
  const { updates, failure } = await told(client.sessions.stream(7));
  assert.ok(failure instanceof sdk.ConnectionFailed);
  assert.deepEqual(updates.map((one) => one.type), ['status_change', 'error']);
  assert.equal(server.streamed, 8);
});

test('a stream can be gone through, and left', async () => {
  server.streams.push([PENDING, STARTED, HEARD], [PENDING, STARTED, ENDED]);
  const kinds = [];
  for await (const one of client.sessions.stream(7)) {
    kinds.push(one.type);
    if (one.type === 'session_started') {
      break;
    }
  }
  for await (const one of client.sessions.stream(7)) {
    kinds.push(one.type);
  }
  assert.deepEqual(kinds, [
    'status_change',
    'session_started',
    'status_change',
    'session_started',
    'session_ended',
  ]);
  assert.equal(server.streamed, 2);
});

test('going through a stream that fails throws', async () => {
  server.refuse(401, 'AUTHENTICATION_REQUIRED');
  await assert.rejects(async () => {
    for await (const one of client.sessions.stream(7)) {
      assert.fail(`${one.type} came`);
    }
  }, sdk.AuthenticationRequired);
});

test('what is no update is told', async () => {
  server.streams.push(['{"status": "active"}']);
  const { failure } = await told(client.sessions.stream(7));
  assert.ok(failure instanceof sdk.UnreadableAnswer);
});

test('the customer can say something, and close', async () => {
  const stream = client.sessions.stream(7);
  assert.throws(() => stream.say('Too early.'), sdk.ConnectionFailed);
  server.streams.push([STARTED]);
  const over = told(stream);
  await new Promise((resolve) => stream.once('update', resolve));
  stream.say('Hello');
  const texts = () => server.said.filter(([opcode]) => opcode === 1);
  while (texts().length === 0) {
    await new Promise(setImmediate);
  }
  stream.close();
  const { updates, failure } = await over;
  assert.deepEqual([updates.length, failure], [1, null]);
  assert.deepEqual(texts(), [[1, '{"type":"user_message","content":"Hello"}']]);
});

test('a stream that is closed before it begins asks for nothing', async () => {
  const stream = client.sessions.stream(7);
  stream.close();
  await new Promise(setImmediate);
  assert.equal(server.streamed, 0);
});

test('waits grow up to a limit', () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 8].map(longestWaitMs);
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
});
