"""Everything that is remembered, on one narrow storage with two adapters."""
