// The document's subscriptions, by Socket.IO. Prints what is emitted, until its input ends.
const { io } = require('socket.io-client');

const socket = io(process.env.HOST, {
  path: process.env.SOCKET_PATH,
  query: { token: process.env.TOKEN }
});

socket.on('connect', () => {
  socket.emit('subscribe', { type: 'all_calls' });
  socket.emit('subscribe', { type: 'call', call_id: process.env.CALL_ID });
});

socket.onAny((event, data) => {
  console.log(JSON.stringify({ event, data }));
});
process.stdin.on('end', () => socket.close()).resume();
socket.on('connect_error', (error) => {
  console.error(error.message);
  process.exit(1);
});
