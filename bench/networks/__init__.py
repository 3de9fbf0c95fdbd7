"""Bad networks and noise: traces, buffers, detectors, scores."""
