"""A local server that behaves like Quo and the CRMs, with faults on demand.

Used by `quo-sync demo`, by tests and benchmarks, and by authors of connectors. Everything is kept
in memory; nothing here is imported by a run against the real services.
"""
