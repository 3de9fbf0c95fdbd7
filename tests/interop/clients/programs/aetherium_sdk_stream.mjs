// The document's JavaScript SDK: a session is created and monitored.
import { AetheriumClient } from '@aetherium/sdk';

const client = new AetheriumClient({
  baseUrl: process.env.BASE_URL,
  apiKey: process.env.API_KEY
});

// Create and monitor session
const session = await client.sessions.create({
  workflowId: Number(process.env.WORKFLOW_ID),
  phoneNumber: process.env.TO_PHONE,
  sessionType: 'outbound'
});

const stream = client.sessions.stream(session.id);
stream.on('update', (update) => {
  console.log('Session update:', update);
});
