// Schemas for people: what a type is called, an example of it, its fields. Nothing here asks the server.
"use strict";

const Schema = (() => {
  let components = {};

  function use(document) {
    components = document.components;
  }

  function at(reference) {
    return reference.slice(2).split("/").slice(1).reduce((node, key) => node[key], components);
  }

  /** The schema behind a $ref; what stands beside the $ref wins. */
  function resolved(schema) {
    if (!schema.$ref) return schema;
    const { $ref, ...beside } = schema;
    return { ...at($ref), ...beside };
  }

  const isNull = (schema) => schema.type === "null";
  const choices = (schema) => schema.anyOf || schema.oneOf || null;

  /** Without its null, and whether it had one. */
  function bare(schema) {
    const options = choices(schema);
    if (!options || !options.some(isNull)) return [schema, false];
    const rest = options.filter((option) => !isNull(option));
    const { anyOf, oneOf, ...beside } = schema;
    return [rest.length === 1 ? { ...rest[0], ...beside } : { ...beside, anyOf: rest }, true];
  }

  /** "integer from 1 to 200", "list of text", "agent or null". */
  function words(schema) {
    const [inner, nullable] = bare(schema);
    return baseWords(inner) + (nullable ? " or null" : "");
  }

  function baseWords(schema) {
    if (schema.$ref) {
      const target = resolved(schema);
      return target.enum ? baseWords(target) : schema.$ref.split("/").pop();
    }
    if (schema.enum) return `one of ${schema.enum.map((value) => JSON.stringify(value)).join(", ")}`;
    if ("const" in schema) return JSON.stringify(schema.const);
    const options = choices(schema);
    if (options) return [...new Set(options.map(words))].join(" or ");
    if (schema.type === "array") return `list of ${words(schema.items || {})}${bounds(schema, "Items", "items")}`;
    if (schema.type === "string") {
      const kind = schema.format === "date-time" ? "time" : schema.format || "text";
      return kind + bounds(schema, "Length", "characters");
    }
    if (schema.type === "integer" || schema.type === "number") return schema.type + range(schema);
    if (schema.type === "object") return "object";
    return schema.type || "anything";
  }

  function bounds(schema, what, unit) {
    const [least, most] = [schema[`min${what}`], schema[`max${what}`]];
    if (least === undefined && most === undefined) return "";
    if (most === undefined) return `, at least ${least} ${unit}`;
    return least ? `, ${least} to ${most} ${unit}` : `, at most ${most} ${unit}`;
  }

  function range(schema) {
    const said = [];
    if (schema.minimum !== undefined) said.push(`from ${schema.minimum}`);
    if (schema.exclusiveMinimum !== undefined) said.push(`above ${schema.exclusiveMinimum}`);
    if (schema.maximum !== undefined) said.push(`to ${schema.maximum}`);
    if (schema.exclusiveMaximum !== undefined) said.push(`below ${schema.exclusiveMaximum}`);
    return said.length ? ` ${said.join(" ")}` : "";
  }

  // Texts that look like what they stand for, by the end of the field's name.
  const LIKE = [
    [/(^|_)id$/, "0b1f6a52-93c4-4e07-8d3b-5a2f7c90e1d4"],
    [/^(call|account|event)$/, "0b1f6a52-93c4-4e07-8d3b-5a2f7c90e1d4"],
    [/email|identifier/, "you@example.com"],
    [/(number|^to|^from|phone)$/, "+15550100"],
    [/url$/, "https://example.com/hook"],
    [/password$/, "correct horse battery"],
    [/(^|_)name$/, "Front desk"],
    [/^(text|body|message|greeting)$/, "Good morning."],
    [/^token$|_token$|secret/, "…"],
    [/timezone/, "Europe/Berlin"],
    [/request_id/, "5f0c2a9e1b7d4c38"],
  ];

  /** A value that fits. `whole`: with every field, else with those that must be there. */
  function example(schema, whole, name = "", seen = []) {
    if (schema.$ref) {
      if (seen.includes(schema.$ref)) return null;
      return example(resolved(schema), whole, name, [...seen, schema.$ref]);
    }
    if (schema.examples) return schema.examples[0];
    if (schema.example !== undefined) return schema.example;
    if ("const" in schema) return schema.const;
    if (schema.default !== undefined && schema.default !== null && schema.default !== "") return schema.default;
    if (schema.enum) return schema.enum[0];
    const options = choices(schema);
    if (options) return example(options.find((option) => !isNull(option)) || {}, whole, name, seen);
    switch (schema.type) {
      case "object": return objectExample(schema, whole, seen);
      case "array": return schema.items ? [example(schema.items, whole, name.replace(/s$/, ""), seen)] : [];
      case "integer": return schema.minimum ?? (schema.exclusiveMinimum !== undefined ? schema.exclusiveMinimum + 1 : 1);
      case "number": return schema.minimum ?? 1.5;
      case "boolean": return true;
      case "null": return null;
      case "string": return text(schema, name);
      default: return {};
    }
  }

  function objectExample(schema, whole, seen) {
    const properties = Object.entries(schema.properties || {});
    const required = schema.required || [];
    const all = whole || !required.length;
    return Object.fromEntries(
      properties
        .filter(([name]) => all || required.includes(name))
        .map(([name, field]) => [name, example(field, whole, name, seen)]),
    );
  }

  function text(schema, name) {
    if (schema.format === "date-time") return "2026-11-30T09:30:00Z";
    if (schema.format === "date") return "2026-11-30";
    const like = LIKE.find(([pattern]) => pattern.test(name));
    const found = like ? like[1] : schema.minLength ? "text".padEnd(schema.minLength, "x") : "text";
    return schema.maxLength === undefined ? found : found.slice(0, schema.maxLength);
  }

  return { use, resolved, bare, choices, words, example };
})();
