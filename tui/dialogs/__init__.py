"""One dialog a file: what a person decides, confirmed in writing."""
