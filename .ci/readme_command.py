"""Prints a command of the README: the fenced block after the marker `<!-- ci: NAME -->`."""

import re
import sys
from pathlib import Path

readme = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
found = re.search(rf"^<!-- ci: {sys.argv[1]} -->\n```\n(.*?)^```", readme, re.M | re.S)
if found is None:
    sys.exit(f"README.md has no command marked {sys.argv[1]}")
sys.stdout.write(found[1])
