"""Prints a command of a page: the fenced block after the marker `<!-- ci: NAME -->`.

    python readme_command.py NAME [PAGE]

The page is README.md if none is named.
"""

import re
import sys
from pathlib import Path

page = sys.argv[2] if len(sys.argv) > 2 else "README.md"
readme = (Path(__file__).resolve().parents[1] / page).read_text(encoding="utf-8")
found = re.search(rf"^<!-- ci: {sys.argv[1]} -->\n```\n(.*?)^```", readme, re.M | re.S)
if found is None:
    sys.exit(f"{page} has no command marked {sys.argv[1]}")
sys.stdout.write(found[1])
