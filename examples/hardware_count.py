"""Counts which hardware the papers of a run were measured on.

Run it in a checkout: `python examples/hardware_count.py`. It asks nobody: the replies are recorded.
"""

from collections import Counter

import claimgrid

run = claimgrid.extract(claimgrid.read("seeds/"))
print(run)
devices = Counter(claim.device for claim in run.claims if claim.kind == "hardware")
for device, papers in devices.most_common():
    print(f"{papers:>3}  {device}")
