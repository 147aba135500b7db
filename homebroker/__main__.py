"""`python -m homebroker`."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - said in a sentence, before an import fails on an old Python
    sys.exit("Homebroker needs Python 3.11 or newer; this is " + sys.version.split()[0] + ".")

from homebroker.cli import main

if __name__ == "__main__":
    main()
