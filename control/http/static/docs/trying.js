// "Try it": one request as its form says, sent to this server with the token above; and WebSockets.
"use strict";

const Trying = (() => {
  const MAX_SHOWN = 200000;

  const token = () => document.getElementById("token").value.trim();

  /** The operation's address with its parameters filled in. */
  function address(path, values) {
    const query = new URLSearchParams();
    let filled = path;
    for (const { where, name, value } of values) {
      if (where === "path") filled = filled.replace(`{${name}}`, encodeURIComponent(value));
      else if (where === "query" && value !== "") query.append(name, value);
    }
    const tail = query.toString();
    return filled.slice(1) + (tail ? `?${tail}` : "");
  }

  function headersOf(operation, values, contentType) {
    const headers = {};
    if (operation.security?.length && token()) headers.Authorization = `Bearer ${token()}`;
    if (contentType) headers["Content-Type"] = contentType;
    for (const { where, name, value } of values) {
      if (where === "header" && value !== "") headers[name] = value;
    }
    return headers;
  }

  /** Send; what came, as text for people. */
  async function send(method, path, operation, values, body, contentType) {
    const began = performance.now();
    const response = await fetch(address(path, values), {
      method: method.toUpperCase(),
      headers: headersOf(operation, values, contentType),
      body,
    });
    const blob = await response.blob();
    const took = Math.round(performance.now() - began);
    const type = response.headers.get("Content-Type") || "";
    const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    const shown = { status: response.status, phrase: response.statusText, took, headers };
    if (/json|text/.test(type)) return { ...shown, text: pretty(await blob.text(), type) };
    return blob.size ? { ...shown, text: `${blob.size} bytes of ${type}`, file: URL.createObjectURL(blob) } : { ...shown, text: "" };
  }

  function pretty(text, type) {
    if (!type.includes("json")) return text.slice(0, MAX_SHOWN);
    try {
      return JSON.stringify(JSON.parse(text), null, 2).slice(0, MAX_SHOWN);
    } catch {
      return text.slice(0, MAX_SHOWN);
    }
  }

  /** A WebSocket; `tell` hears every line, `ended` its end. */
  function connect(path, values, tell, ended) {
    const where = new URL(address(path, values), document.baseURI);
    where.protocol = where.protocol.replace("http", "ws");
    if (token()) where.searchParams.set("token", token());
    const socket = new WebSocket(where);
    socket.onopen = () => tell("connected");
    socket.onmessage = (message) => tell(`< ${message.data}`);
    socket.onclose = (event) => {
      tell(`closed ${event.code} ${event.reason}`.trim());
      ended();
    };
    return socket;
  }

  return { send, connect };
})();
