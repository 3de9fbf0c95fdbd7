"""The chapters of the native API, `/v1`: routes with their Structs, one module a subject."""
