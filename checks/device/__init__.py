"""Devices that are managed by SNMP, in one normalised model whatever their vendor."""
