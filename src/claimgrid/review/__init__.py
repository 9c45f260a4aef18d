"""People's decisions on claims: kept beside a run, applied to every reading of it."""
