"""Parts of docs/simulation.md, a module each; tests/make_simulation.py writes the page."""
