"""`python -m classifier`: one line on standard error and exit code 2 for whatever is refused."""

import sys

from classifier.cli import app
from classifier.errors import ClassifierError


def main() -> None:
    try:
        app(prog_name="python -m classifier")
    except ClassifierError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
