"""Checks of switches, read by SNMP."""
