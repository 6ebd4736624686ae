"""The process domain: what a run is, what it may become, and who may change it. Pure."""
