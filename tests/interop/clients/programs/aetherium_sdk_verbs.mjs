// Everything of the JavaScript SDK that its document's example leaves out.
import { AetheriumClient, ApiError } from '@aetherium/sdk';

const baseUrl = process.env.BASE_URL;
const client = new AetheriumClient({ baseUrl, apiKey: process.env.API_KEY });

const workflow = await client.workflows.create({
  name: 'Sales',
  promptTemplate: 'You sell.',
  voiceSettings: { rate: '+5%' },
});
const renamed = await client.workflows.update(workflow.id, { name: 'Sales Assistant' });
const session = await client.sessions.create({
  workflowId: workflow.id,
  phoneNumber: process.env.TO_PHONE,
  sessionType: 'outbound',
  metadata: { orderNumber: 5, line_items: [1] },
});
const updated = await client.sessions.update(session.id, {
  status: 'completed',
  aiResponse: 'Done.',
});
const filter = { status: 'completed' };
const page = await client.sessions.list({ limit: 100, sort: '-createdAt', filter });
const kinds = await all(client.sessions.stream(session.id));

async function all(stream) {
  const found = [];
  for await (const update of stream) {
    found.push(update.type);
  }
  return found;
}

async function refused(verb) {
  try {
    await verb();
  } catch (error) {
    if (error instanceof ApiError) {
      return [error.constructor.name, error.errorCode, error.requestId !== null];
    }
    throw error;
  }
  return [];
}

const stranger = new AetheriumClient({ baseUrl, apiKey: 'ohk_wrong_key' });
const wrong = { workflowId: workflow.id, phoneNumber: 'nobody', sessionType: 'outbound' };
console.log(
  JSON.stringify({
    workflow: [renamed.id === workflow.id, renamed.name, renamed.voiceSettings.rate],
    listed: (await client.workflows.list()).some((each) => each.id === workflow.id),
    metadata: (await client.sessions.get(session.id)).metadata,
    updated: [updated.status, updated.aiResponse],
    found: page.sessions.some((each) => each.id === session.id),
    last: kinds.at(-1),
    missing: await refused(() => all(client.sessions.stream(999999))),
    unfit: await refused(() => client.sessions.create(wrong)),
    stranger: await refused(() => all(stranger.sessions.stream(session.id))),
  }),
);
await client.workflows.delete(workflow.id);
