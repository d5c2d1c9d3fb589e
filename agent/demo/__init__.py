"""The practice office: real protocols on loopback, with the faults that a real move has."""
