"""The outside world (CRMs, Quo, databases) and the words for it."""
