"""Benchmarks against the sandbox: `python -m tests.benchmarks` (see `--help`)."""
