"""`python -m connectors.sandbox`: a sandbox until it is stopped."""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import sys
import threading
from typing import Any

from pydantic import ValidationError

from connectors.errors import ConfigurationError
from connectors.sandbox.server import run_server
from connectors.sandbox.settings import Settings


def main(arguments: list[str] | None = None) -> int:
    """Run the server; 0 after a clean stop, 2 when it cannot start."""
    options = _parser().parse_args(arguments)
    given: dict[str, Any] = json.loads(options.settings)
    for name in ("persons", "seed", "spice", "crm_latency_ms", "quo_latency_ms", "quo_rate"):
        value = getattr(options, name)
        if value is not None:
            given[name] = value
    if options.follow_parent:
        threading.Thread(target=_follow_parent, daemon=True).start()
    try:
        run_server(options.port, Settings.model_validate(given))
    except (ConfigurationError, ValidationError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m connectors.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 (default) takes a free port")
    parser.add_argument("--persons", type=int)
    parser.add_argument("--seed", type=int)
    spice = parser.add_mutually_exclusive_group()
    spice.add_argument("--spice", action="store_true", default=None, help="odd people too")
    spice.add_argument("--plain", dest="spice", action="store_false", help="no odd people")
    parser.add_argument("--crm-latency-ms", type=float)
    parser.add_argument("--quo-latency-ms", type=float)
    parser.add_argument("--quo-rate", type=int, help="requests per second and key")
    parser.add_argument("--settings", default="{}", help="any other settings, as JSON")
    parser.add_argument(
        "--follow-parent", action="store_true", help="stop when stdin or the parent process ends"
    )
    return parser


def _follow_parent() -> None:
    """End this process with its parent: stdin closes even when that is killed."""
    parent = os.getppid()
    while os.getppid() == parent:
        readable, _, _ = select.select([sys.stdin], [], [], 1.0)
        if readable and not os.read(sys.stdin.fileno(), 1):
            break
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
