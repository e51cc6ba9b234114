"""``python -m refscore`` is ``refscore``."""

import sys

from refscore.cli import main

sys.exit(main())
