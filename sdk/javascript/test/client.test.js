// Requests, and what is made of answers.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import * as sdk from '../src/index.js';
import { KEY, SESSION, ScriptedServer } from './scripted_server.js';

const server = new ScriptedServer();
let client;

before(async () => {
  await server.start();
  client = new sdk.AetheriumClient({ baseUrl: `${server.url}/`, apiKey: KEY });
});
after(() => server.stop());
beforeEach(() => {
  server.asked = [];
  server.answers = [];
});

test('a session is created below the mount, with the key, in the names of the API', async () => {
  server.answers.push([201, { ...SESSION, metadata: { call_quality: 'good' } }, {}]);
  const session = await client.sessions.create({
    workflowId: 1,
    phoneNumber: '+1555123456',
    sessionType: 'outbound',
    metadata: { orderNumber: 5, line_items: [{ unitPrice: 1 }] },
  });
  assert.deepEqual(server.asked, [
    {
      method: 'POST',
      path: '/mounted/api/sessions/',
      key: `Bearer ${KEY}`,
      body: {
        workflow_id: 1,
        phone_number: '+1555123456',
        session_type: 'outbound',
        metadata: { orderNumber: 5, line_items: [{ unitPrice: 1 }] },
      },
    },
  ]);
  assert.deepEqual(session, {
    id: 7,
    workflowId: 1,
    phoneNumber: '+1555123456',
    sessionType: 'outbound',
    status: 'pending',
    startedAt: null,
    endedAt: null,
    durationSeconds: null,
    transcript: null,
    aiResponse: null,
    metadata: { call_quality: 'good' },
  });
});

test('only what is given is changed', async () => {
  await client.sessions.update(7, { aiResponse: 'Done.' });
  const [{ method, path, body }] = server.asked;
  assert.deepEqual([method, path, body], ['PUT', '/mounted/api/sessions/7', { ai_response: 'Done.' }]);
});

test('a page of sessions is asked for in the names of the API', async () => {
  const page = { sessions: [SESSION], total: 30, limit: 2, offset: 4 };
  server.answers.push([200, page, {}]);
  const found = await client.sessions.list({
    limit: 2,
    offset: 4,
    sort: '-createdAt',
    startDate: '2024-01-01',
    filter: { workflowId: 1 },
    status: undefined,
  });
  assert.equal(found.sessions[0].workflowId, 1);
  assert.equal(found.total, 30);
  const query = new URL(server.asked[0].path, server.url).searchParams;
  assert.deepEqual(Object.fromEntries(query), {
    limit: '2',
    offset: '4',
    sort: '-created_at',
    start_date: '2024-01-01',
    filter: '{"workflow_id":1}',
  });
});

test('workflows are made, changed, listed and removed', async () => {
  const workflow = { id: 3, name: 'Sales', voice_settings: { rate: '+5%' }, is_active: true };
  server.answers.push([201, workflow, {}], [200, workflow, {}], [200, [workflow], {}]);
  server.answers.push([204, '', {}]);
  const made = await client.workflows.create({ name: 'Sales', promptTemplate: 'You sell.' });
  await client.workflows.update(made.id, { isActive: false });
  const [listed] = await client.workflows.list();
  await client.workflows.delete(made.id);
  assert.deepEqual(listed.voiceSettings, { rate: '+5%' });
  assert.deepEqual(
    server.asked.map(({ method, path, body }) => [method, path, body]),
    [
      ['POST', '/mounted/api/workflows/', { name: 'Sales', prompt_template: 'You sell.' }],
      ['PUT', '/mounted/api/workflows/3', { is_active: false }],
      ['GET', '/mounted/api/workflows/', null],
      ['DELETE', '/mounted/api/workflows/3', null],
    ],
  );
});

for (const [status, kind] of [
  [400, sdk.ValidationFailed],
  [401, sdk.AuthenticationRequired],
  [403, sdk.PermissionDenied],
  [404, sdk.NotFound],
  [409, sdk.ApiError],
  [429, sdk.RateLimited],
  [503, sdk.ServerFailed],
]) {
  test(`a refusal with ${status} is an error of its kind, with the server's words`, async () => {
    server.refuse(status, 'SOME_CODE', { 'Retry-After': '12' });
    const error = await client.sessions.get(7).catch((caught) => caught);
    assert.equal(error.constructor, kind);
    assert.ok(error instanceof sdk.AetheriumError);
    const { errorCode, requestId, detail, retryAfterSeconds } = error;
    assert.deepEqual(
      [error.status, errorCode, requestId, detail, retryAfterSeconds],
      [status, 'SOME_CODE', 'req_1', 'no: SOME_CODE', 12],
    );
    assert.equal(error.message, `${status} SOME_CODE: no: SOME_CODE`);
  });
}

test('a refusal of something else than the API is an error too', async () => {
  server.answers.push([502, '<html>Bad gateway', { 'X-Request-Id': 'proxy-9' }]);
  const error = await client.sessions.get(7).catch((caught) => caught);
  assert.ok(error instanceof sdk.ServerFailed);
  assert.deepEqual([error.errorCode, error.requestId], [null, 'proxy-9']);
});

test('the key does not follow a redirect', async () => {
  server.answers.push([302, '', { Location: '/elsewhere' }]);
  await assert.rejects(client.sessions.get(7), sdk.ConnectionFailed);
  assert.equal(server.asked.length, 1);
});

for (const told of ['no JSON', '[]', 'null']) {
  test(`${told} is no session`, async () => {
    server.answers.push([200, told, {}]);
    await assert.rejects(client.sessions.get(7), sdk.UnreadableAnswer);
  });
}

test('nobody there is told', async () => {
  const gone = await new ScriptedServer().start();
  await gone.stop();
  const lonely = new sdk.AetheriumClient({ baseUrl: gone.url, apiKey: KEY });
  await assert.rejects(lonely.sessions.get(7), sdk.ConnectionFailed);
});

test('what can be no address, key or id is told at once', async () => {
  for (const options of [
    { baseUrl: 'localhost', apiKey: KEY },
    { baseUrl: 'file:///etc/passwd', apiKey: KEY },
    { baseUrl: 'http://a?b', apiKey: KEY },
    { baseUrl: server.url, apiKey: '' },
    { baseUrl: server.url, apiKey: 'a\r\nb' },
    { baseUrl: server.url },
  ]) {
    assert.throws(() => new sdk.AetheriumClient(options), TypeError);
  }
  assert.throws(() => client.sessions.stream('../../x'), TypeError);
  await assert.rejects(client.sessions.get(undefined), TypeError);
});
