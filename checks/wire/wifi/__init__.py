"""Wi-Fi as this laptop hears it: one adapter over every system's sources, and the raw elements read."""
