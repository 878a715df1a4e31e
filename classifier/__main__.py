"""`python -m classifier`: one line on standard error and exit code 2 for whatever is refused."""

import sys

from classifier.commands import (  # noqa: F401  (they add their commands)
    consolidate,
    data,
    decisions,
    embed,
    few_examples,
    measuring,
    study,
)
from classifier.commands.model import app
from classifier.errors import ClassifierError


def main(arguments: list[str] | None = None) -> None:
    """Run one command; `arguments` are those of the process unless given. Ends by SystemExit."""
    try:
        app(arguments, prog_name="python -m classifier")
    except ClassifierError as error:
        # On one line, also where it quotes a column's name that has a line break in it, or bytes of a damaged file.
        plain = "".join(character if character.isprintable() else " " for character in str(error))
        print(" ".join(plain.split()), file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
