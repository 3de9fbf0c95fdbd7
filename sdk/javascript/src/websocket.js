// A WebSocket that is open: the platform's, or ours where the platform has none (Node before 22).

/**
 * Open one. Browsers cannot send a header with it: the key goes in the address.
 * Resolves to a socket with onmessage, onclose, send and close; rejects when it cannot be had.
 */
export async function connected(url, apiKey) {
  const WebSocket = globalThis.WebSocket ?? (await import('./node_websocket.js')).NodeWebSocket;
  const socket = new WebSocket(`${url}?token=${encodeURIComponent(apiKey)}`);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    // Either: Node 20's own tells of an error alone when it is refused.
    socket.onclose = ({ reason }) => reject(new Error(reason || 'the WebSocket was not opened'));
    socket.onerror = ({ message }) => reject(new Error(message || 'the WebSocket was not opened'));
  });
  return socket;
}
