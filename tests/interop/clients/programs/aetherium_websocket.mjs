// The document's WebSocket snippet; it waits for the opening, as whoever sends must.
const ws = new WebSocket(`${process.env.WS_BASE}/ws/session/${process.env.SESSION_ID}`);

ws.onmessage = function(event) {
  const data = JSON.parse(event.data);
  console.log(JSON.stringify(data));
};

ws.onopen = function() {
  // Send message to session
  ws.send(JSON.stringify({
    type: 'user_message',
    content: 'Hello, how can I help you?'
  }));
};
