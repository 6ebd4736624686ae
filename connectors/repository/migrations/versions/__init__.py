"""One file per revision, oldest `0001_initial`; a released one never changes."""
