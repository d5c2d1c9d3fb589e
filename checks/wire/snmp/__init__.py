"""SNMP, read only: a bounded codec and one socket for v1 and v2c, pysnmp for v3, one interface over all."""
