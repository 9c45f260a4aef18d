"""Names with one canonical form: devices, benchmarks, metrics, model sizes."""
