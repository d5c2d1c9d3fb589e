"""Checks of what the network carries: reachability, latency, ports, TLS, time, throughput."""
