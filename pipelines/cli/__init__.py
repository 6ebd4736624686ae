"""The command `quo-sync`: one module per group of commands."""
