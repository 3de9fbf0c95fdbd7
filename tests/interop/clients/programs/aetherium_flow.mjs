// The document's complete flow: create a session, monitor it, get its final results.
const headers = {
  'Authorization': `Bearer ${process.env.TOKEN}`,
  'Content-Type': 'application/json'
};

// 1. Create Session
const created = await fetch(`${process.env.BASE_URL}/api/sessions/`, {
  method: 'POST',
  headers,
  body: JSON.stringify({
    workflow_id: Number(process.env.WORKFLOW_ID),
    phone_number: process.env.TO_PHONE,
    session_type: 'outbound'
  })
});
const session = await created.json();

// 2. Monitor via WebSocket
const ws = new WebSocket(`${process.env.WS_BASE}/ws/session/${session.id}`);
ws.onmessage = async (event) => {
  const update = JSON.parse(event.data);
  if (update.type === 'session_ended') {
    // 3. Get Final Results
    const results = await fetch(`${process.env.BASE_URL}/api/sessions/${session.id}`, { headers });
    console.log(JSON.stringify({ session, update, results: await results.json() }));
  }
};
