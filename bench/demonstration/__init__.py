"""The demo's call: caller, narrator, picture."""
