"""Fuzzers that are led by coverage (atheris); run by `make fuzz`, and for a moment by the tests."""
