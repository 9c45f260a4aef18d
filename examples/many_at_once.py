"""Extracts many papers at once over one client, and says which of them failed.

Run it in a checkout: `python examples/many_at_once.py`. It asks nobody: the replies are recorded.
"""

import asyncio

import claimgrid


async def main() -> None:
    papers = [p for p in claimgrid.read("seeds/") if isinstance(p, claimgrid.Paper)]
    async with claimgrid.Extractor() as extractor:
        results = await asyncio.gather(*(extractor.aextract(paper) for paper in papers))
    for found in results:
        print(f"{found.paper.paper_id[:50]:<52}{found.status:<10}{len(found.claims):>3} claims")
    failed = [found for found in results if found.status not in ("claims", "no_claims")]
    print(f"{len(results) - len(failed)} papers came out, {len(failed)} failed")


asyncio.run(main())
