"""The dashboard in a browser: read-only, on this machine only; page by textual-serve, driver by Textual."""
