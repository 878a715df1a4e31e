"""`python -m routing`: one line on standard error and exit code 2 for whatever is refused."""

import sys

from routing import cli_scores, cli_switchback, cli_tiers  # noqa: F401  (they add their commands)
from routing.cli import app
from routing.errors import RoutingError


def main(arguments: list[str] | None = None) -> None:
    """Run one command; `arguments` are those of the process unless given. Ends by SystemExit."""
    try:
        app(arguments, prog_name="python -m routing")
    except RoutingError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
