"""What a run says, in every form: text, JSON, JSON lines, JUnit, Monitoring-Plugins line."""
