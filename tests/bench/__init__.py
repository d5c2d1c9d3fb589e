"""Benchmarks: gonogo and its peers in interleaved rounds on this machine; ratios, never limits in tests."""
