"""A simulated OpenAI-compatible server, told by the model's name what to do.

    with Simulated() as server:  # a process of its own on a loopback port
        run(base_url=server.url, model="sim:latency=20,refusal=0.05,seed=1")

`papers.paper(n)` makes invented abstracts with known claims; the server recognises them in any
prompt and answers with their claims, unless the plan in the model's name (`plan.FAULTS` lists the
faults) says otherwise. By hand: `PYTHONPATH=tests python -m simulated`.
"""

from simulated.papers import SimulatedPaper, mentioned, paper
from simulated.plan import FAULTS, Plan, parse
from simulated.process import Simulated

__all__ = ["FAULTS", "Plan", "Simulated", "SimulatedPaper", "mentioned", "paper", "parse"]
