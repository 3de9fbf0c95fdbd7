// The page: chapters and operations of openapi.json. An operation is built when it is opened.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];
const DEEPEST = 6;
const $ = (id) => document.getElementById(id);

/** An element: attributes, then children (texts are texts, never markup). */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** `code` in a text. */
function spans(text) {
  return text.split(/(`[^`]+`)/).map((part) => (part.startsWith("`") ? make("code", {}, part.slice(1, -1)) : part));
}

function paragraphs(text) {
  return text.split(/\n\s*\n/).filter(Boolean).map((part) => make("p", {}, spans(part.replace(/\s*\n\s*/g, " "))));
}

function code(text, label) {
  const copy = make("button", { type: "button", "aria-label": `Copy ${label}` }, "Copy");
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = "Copy"; }, 1500);
  });
  return make("div", { class: "code" }, make("pre", { tabindex: "0", "aria-label": label }, text), navigator.clipboard ? copy : null);
}

const json = (value) => JSON.stringify(value, null, 2);

// --- fields -----------------------------------------------------------------------------------

function field(name, schema, required, about, depth) {
  const [inner] = Schema.bare(schema);
  const item = make(
    "li", {},
    make("span", { class: "name" }, name),
    make("span", { class: "type" }, Schema.words(schema) + fallback(schema)),
    required ? make("span", { class: "needed" }, "required") : null,
    about ? make("p", {}, spans(about)) : null,
  );
  const below = objectBelow(inner);
  if (below && depth < DEEPEST) item.append(later(`Fields of ${name}`, () => fields(below, depth + 1)));
  return item;
}

function fallback(schema) {
  const value = schema.default;
  if (value === undefined || value === null || value === "" || json(value) === "{}" || json(value) === "[]") return "";
  return typeof value === "object" ? "" : `, else ${JSON.stringify(value)}`;
}

/** The object in a field, or in the list that it is. */
function objectBelow(schema) {
  const target = Schema.resolved(schema);
  if (target.properties && Object.keys(target.properties).length) return target;
  if (target.items) return objectBelow(Schema.bare(target.items)[0]);
  const options = Schema.choices(target);
  return options && options.length === 1 ? objectBelow(options[0]) : null;
}

function fields(schema, depth = 0) {
  const required = schema.required || [];
  const items = Object.entries(schema.properties || {}).map(([name, inner]) =>
    field(name, inner, required.includes(name) && depth >= 0, inner.description || Schema.resolved(inner).description, depth));
  return make("ul", { class: "fields" }, items);
}

/** Details whose content is made when they are opened. */
function later(title, build, attributes = {}) {
  const details = make("details", attributes, make("summary", {}, title));
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(build());
  });
  return details;
}

// --- one operation ----------------------------------------------------------------------------

function operationInside({ method, path, operation }) {
  const parameters = (operation.parameters || []).map(Schema.resolved);
  const body = operation.requestBody?.content || {};
  const [bodyType] = Object.keys(body);
  const bodySchema = body[bodyType]?.schema;
  const sample = bodySchema ? json(Schema.example(bodySchema, false)) : null;
  return make(
    "div", { class: "inside" },
    paragraphs(operation.description || ""),
    parameters.length ? [make("h3", {}, "Parameters"), parameterList(parameters)] : null,
    bodyType ? [make("h3", {}, `Body, ${bodyType}`), bodySchema ? fields(Schema.resolved(bodySchema)) : null] : null,
    bodySchema ? later("Example with every field", () => code(json(Schema.example(bodySchema, true)), "example body")) : null,
    operation["x-websocket"] ? messages(operation["x-websocket"]) : null,
    make("h3", {}, "Answers"),
    answers(operation),
    operation["x-websocket"] ? null : [make("h3", {}, "curl"), code(curl(method, path, operation, parameters, bodyType, sample), "curl command")],
    tryIt(method, path, operation, parameters, bodyType, sample),
  );
}

function parameterList(parameters) {
  const items = parameters.map((parameter) => {
    const where = parameter.in === "query" ? "" : `${parameter.in}: `;
    return field(parameter.name, { ...parameter.schema }, parameter.required, where + (parameter.description || "") || "", DEEPEST);
  });
  return make("ul", { class: "fields" }, items);
}

function messages({ client, server }) {
  const options = (schema) => (Schema.choices(schema) || [schema]).flatMap((option) =>
    Schema.choices(option) ? options(option) : [option]);
  const list = (schema) => make("ul", { class: "fields" }, options(schema).map((option) => {
    const target = Schema.resolved(option);
    return make("li", {}, make("span", { class: "name" }, target.title || "message"),
      make("p", {}, spans(target.description || "")), later("Fields", () => fields(target, 1)),
      later("Example", () => code(json(Schema.example(option, true)), "example message")));
  }));
  return [make("h3", {}, "What you may send"), list(client), make("h3", {}, "What you are told"), list(server)];
}

function answers(operation) {
  const items = Object.entries(operation.responses).map(([status, reference]) => {
    const response = Schema.resolved(reference);
    const good = status < 400;
    const [first, ...others] = (response.description || "").split("\n");
    const title = [make("span", { class: `status ${good ? "ok" : "no"}` }, status), make("span", { class: "said" }, spans(first))];
    return later(title, () => answer(response, others), { open: false });
  });
  return make("div", { class: "statuses" }, items);
}

function answer(response, others) {
  const parts = others.length ? [make("p", { class: "about" }, spans(others.join("\n")))] : [];
  for (const [type, media] of Object.entries(response.content || {})) {
    parts.push(make("p", { class: "about" }, make("code", {}, type)));
    if (!media.schema) continue;
    const target = Schema.resolved(media.schema);
    if (target.properties) parts.push(later("Fields", () => fields(target, 0)));
    if (/json/.test(type)) parts.push(code(json(Schema.example(media.schema, true)), "example answer"));
  }
  const headers = Object.entries(response.headers || {}).map(([name, reference]) => {
    const header = Schema.resolved(reference);
    return field(name, header.schema, false, header.description, DEEPEST);
  });
  if (headers.length) parts.push(later("Headers", () => make("ul", { class: "fields" }, headers)));
  return make("div", {}, parts);
}

function curl(method, path, operation, parameters, bodyType, sample) {
  const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const required = parameters.filter((parameter) => parameter.in === "query" && parameter.required);
  const query = required.map((parameter) => `${parameter.name}=${encodeURIComponent(Schema.example(parameter.schema, false, parameter.name))}`);
  const url = new URL(path.slice(1), document.baseURI).href.replaceAll("%7B", "{").replaceAll("%7D", "}");
  const filled = url.replace(/\{(\w+)\}/g, (_, name) => `$${name.toUpperCase()}`) + (query.length ? `?${query.join("&")}` : "");
  const lines = [`curl ${method === "get" ? "" : `-X ${method.toUpperCase()} `}"${filled}"`];
  if (operation.security?.length) lines.push(`-H "Authorization: Bearer $TOKEN"`);
  if (bodyType) lines.push(`-H ${quote(`Content-Type: ${bodyType}`)}`);
  if (sample) lines.push(`-d ${quote(sample)}`);
  else if (bodyType) lines.push("--data-binary @file");
  return lines.join(" \\\n  ");
}

// --- trying it --------------------------------------------------------------------------------

function tryIt(method, path, operation, parameters, bodyType, sample) {
  return later(operation["x-websocket"] ? "Try it: connect" : "Try it", () => {
    const inputs = parameters.map((parameter) => ({ parameter, input: inputOf(parameter) }));
    const bodyInput = sample !== null
      ? make("textarea", { rows: Math.min(18, sample.split("\n").length + 1), spellcheck: "false" })
      : bodyType ? make("input", { type: "file" }) : null;
    if (sample !== null) bodyInput.value = sample;
    const output = make("output", { "aria-live": "polite" });
    const values = () => inputs.map(({ parameter, input }) => ({ where: parameter.in, name: parameter.name, value: input.value }));
    const form = make(
      "form", {},
      inputs.map(({ parameter, input }) => make("label", {}, make("span", {}, parameter.name), input)),
      bodyInput ? make("label", { class: "tall" }, make("span", {}, "body"), bodyInput) : null,
    );
    if (operation["x-websocket"]) listening(form, output, path, values);
    else sending(form, output, { method, path, operation, bodyType, bodyInput }, values);
    return make("div", {}, form, output);
  }, { class: "try" });
}

function inputOf({ name, schema, required, in: where }) {
  const target = Schema.resolved(schema);
  const options = target.enum || (target.type === "boolean" ? ["true", "false"] : null);
  const attributes = { name, required: required && where === "path" };
  if (!options) return make("input", { ...attributes, type: "text", spellcheck: "false", autocomplete: "off", placeholder: schema.default ?? "" });
  return make("select", attributes, [make("option", { value: "" }, "—"), ...options.map((option) => make("option", {}, String(option)))]);
}

function sending(form, output, { method, path, operation, bodyType, bodyInput }, values) {
  form.append(make("div", { class: "row" }, make("button", { class: "send", type: "submit" }, `Send ${method.toUpperCase()}`)));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    output.replaceChildren("…");
    const body = bodyInput ? (bodyInput.type === "file" ? bodyInput.files[0] : bodyInput.value) : undefined;
    try {
      const shown = await Trying.send(method, path, operation, values(), body, bodyType);
      output.replaceChildren(
        make("p", {}, make("span", { class: `status ${shown.status < 400 ? "ok" : "no"}` }, `${shown.status} ${shown.phrase}`),
          make("span", { class: "took" }, `${shown.took} ms`)),
        shown.text ? code(shown.text, "answer") : "",
        shown.file ? make("a", { href: shown.file, download: "answer" }, "Save it") : "",
        later("Headers", () => code(shown.headers, "headers")),
      );
    } catch (error) {
      output.replaceChildren(make("p", { class: "status no" }, `Nothing came: ${error.message}`));
    }
  });
}

function listening(form, output, path, values) {
  const lines = make("pre", { tabindex: "0", "aria-label": "messages" });
  const text = make("input", { type: "text", "aria-label": "message", value: '{"type": "ping"}' });
  const say = make("button", { type: "button", disabled: true }, "Send");
  const go = make("button", { class: "send", type: "submit" }, "Connect");
  let socket = null;
  const tell = (line) => {
    lines.append(`${line}\n`);
    lines.scrollTop = lines.scrollHeight;
    if (line === "connected") say.disabled = false;
  };
  form.append(make("div", { class: "row" }, go, text, say));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (socket) return socket.close();
    output.replaceChildren(lines);
    go.textContent = "Disconnect";
    socket = Trying.connect(path, values(), tell, () => {
      socket = null;
      say.disabled = true;
      go.textContent = "Connect";
    });
  });
  say.addEventListener("click", () => { socket.send(text.value); tell(`> ${text.value}`); });
}

// --- the whole --------------------------------------------------------------------------------

function operationsOf(description) {
  return Object.entries(description.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ method, path, operation: item[method], id: item[method].operationId })));
}

const anchor = (tag) => `chapter-${tag.toLowerCase().replaceAll(/\W+/g, "-")}`;
const badge = (method, operation) => make("span", { class: `method ${method}` }, operation["x-websocket"] ? "WS" : method.toUpperCase());

function operationElement(entry) {
  const { method, path, operation, id } = entry;
  const shown = path.split(/(\{\w+\})/).map((part) => (part.startsWith("{") ? make("var", {}, part) : part));
  const details = make("details", { class: "operation", id }, make(
    "summary", {}, badge(method, operation), make("span", { class: "path" }, shown), make("span", { class: "what" }, operation.summary)));
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(operationInside(entry));
  });
  return details;
}

function render(description) {
  Schema.use(description);
  $("version").textContent = description.info.version;
  $("loading").replaceWith(...paragraphs(description.info.description));
  const entries = operationsOf(description);
  for (const { name, description: about } of description.tags) {
    const own = entries.filter(({ operation }) => operation.tags[0] === name);
    $("operations").append(make("section", { class: "chapter", "aria-labelledby": anchor(name) },
      make("h2", { id: anchor(name) }, name), make("p", {}, spans(about || "")), own.map(operationElement)));
    $("chapters").append(make("section", {}, make("h2", {}, make("a", { href: `#${anchor(name)}` }, name)),
      make("ul", {}, own.map(({ method, operation, id }) => make("li", { "data-of": id },
        make("a", { href: `#${id}` }, badge(method, operation), make("span", {}, operation.summary)))))));
  }
  searching(entries);
  addEventListener("hashchange", follow);
  follow();
}

function searching(entries) {
  const texts = new Map(entries.map(({ method, path, operation, id }) =>
    [id, [method, path, operation.summary, operation.description, operation.tags[0]].join(" ").toLowerCase()]));
  $("search").addEventListener("input", () => {
    const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (id) => words.every((word) => texts.get(id).includes(word));
    let count = 0;
    for (const id of texts.keys()) {
      const shown = fits(id);
      count += shown;
      document.querySelector(`[data-of="${id}"]`).hidden = !shown;
      $(id).hidden = !shown;
    }
    for (const section of document.querySelectorAll("#chapters > section, .chapter")) {
      section.hidden = !section.querySelector("li:not([hidden]), .operation:not([hidden])");
    }
    $("intro").hidden = words.length > 0;
    $("found").textContent = words.length ? `${count} operations` : "";
  });
}

/** Open what the address names. */
function follow() {
  const target = $(decodeURIComponent(location.hash.slice(1)));
  for (const link of document.querySelectorAll("#chapters [aria-current]")) link.removeAttribute("aria-current");
  if (!target) return;
  if (target.classList.contains("operation")) {
    target.open = true;
    const link = document.querySelector(`#chapters a[href="#${target.id}"]`);
    link?.setAttribute("aria-current", "true");
    link?.scrollIntoView({ block: "nearest" });
    target.querySelector("summary").focus({ preventScroll: true });
  }
  target.scrollIntoView();
  closeMenu();
}

function closeMenu() {
  $("nav").classList.remove("open");
  $("menu").setAttribute("aria-expanded", "false");
}

$("menu").addEventListener("click", () => {
  const open = $("nav").classList.toggle("open");
  $("menu").setAttribute("aria-expanded", String(open));
  if (open) $("search").focus();
});
addEventListener("keydown", (event) => {
  const typing = /^(input|textarea|select)$/i.test(document.activeElement.tagName);
  if (event.key === "/" && !typing) {
    event.preventDefault();
    $("nav").classList.add("open");
    $("search").focus();
  }
  if (event.key === "Escape" && document.activeElement === $("search")) {
    $("search").value = "";
    $("search").dispatchEvent(new Event("input"));
    closeMenu();
  }
});
$("token").value = sessionStorage.getItem("token") || "";
$("token").addEventListener("input", () => sessionStorage.setItem("token", $("token").value));

fetch("openapi.json")
  .then((response) => (response.ok ? response.json() : Promise.reject(new Error(`status ${response.status}`))))
  .then(render)
  .catch((error) => { $("loading")?.replaceChildren(`The description could not be read: ${error.message}`); });
