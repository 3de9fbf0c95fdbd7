// The document's JavaScript: an agent is created, and a call placed.
const axios = require('axios');

const API_BASE = process.env.API_BASE;
const TOKEN = process.env.TOKEN;

// Create agent
async function createAgent() {
  const response = await axios.post(
    `${API_BASE}/agents`,
    {
      name: 'Customer Support Agent',
      systemPrompt: 'You are a helpful customer support agent...',
      voice: 'Rachel',
      isActive: true
    },
    {
      headers: {
        'Authorization': `Bearer ${TOKEN}`,
        'Content-Type': 'application/json'
      }
    }
  );

  return response.data;
}

// Initiate call
async function initiateCall(agentId, toPhone) {
  const response = await axios.post(
    `${API_BASE}/calls/outbound`,
    {
      toPhone,
      agentId,
      priority: 'high'
    },
    {
      headers: {
        'Authorization': `Bearer ${TOKEN}`,
        'Content-Type': 'application/json'
      }
    }
  );

  return response.data;
}

(async () => {
  const agent = await createAgent();
  const call = await initiateCall(agent.data._id, process.env.TO_PHONE);
  console.log(JSON.stringify({ agent, call }));
})();
