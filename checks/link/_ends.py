"""How a finding of link.neighbor begins that says which switch port this is."""

ENDS = "The cable ends in port "
"""Whoever shows where results were seen from shows the finding that begins so."""
