"""SSH: one connection per host, commands by template, everything bounded in time and size."""
