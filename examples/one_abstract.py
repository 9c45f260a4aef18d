"""Extracts the claims of one paper and prints each with the words that say it.

Run it in a checkout: `python examples/one_abstract.py`. It asks nobody: the reply is recorded.
"""

import claimgrid

papers = claimgrid.read("seeds/")
paper = next(paper for paper in papers if isinstance(paper, claimgrid.Paper))
found = claimgrid.extract(paper).raise_for_status()

print(f"{found.paper.title}: {found.status}, answered by {found.model}")
for claim in found.claims:
    start, end = claim.evidence.start, claim.evidence.end
    value = claim.value.text if claim.value else ""
    print(f"{claim.kind:<11} {value:<12} {found.paper.abstract[start:end]}")
for number in found.unclaimed:
    print(f"in no claim: {number.text} ({number.reason or 'no known reason'})")
