// Names in camelCase here, in snake_case on the wire. What is the caller's own keeps its names.

/** Fields whose content is the caller's own. */
const OWN = new Set(['metadata']);

/** A copy of decoded JSON, as JavaScript names it. */
export function toCamel(value) {
  return renamed(value, camelName);
}

/** A copy of an object, as the API names it. */
export function toSnake(value) {
  return renamed(value, snakeName);
}

export function camelName(name) {
  return name.replace(/(?<=[a-z0-9])_([a-z0-9])/g, (_, letter) => letter.toUpperCase());
}

export function snakeName(name) {
  return name.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function renamed(value, rename) {
  if (Array.isArray(value)) {
    return value.map((inner) => renamed(inner, rename));
  }
  if (value === null || typeof value !== 'object') {
    return value;
  }
  const pairs = Object.entries(value);
  // Entries, not assignment: a field called `__proto__` is a field.
  return Object.fromEntries(
    pairs.map(([name, inner]) => [rename(name), OWN.has(name) ? inner : renamed(inner, rename)]),
  );
}
