"""What journeys, browser tests and benchmarks share: a running Footlight, and a Chromium that measures."""
