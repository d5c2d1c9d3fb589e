"""`python -m agent.cli`: the command line, for processes that gonogo starts itself."""

from agent.cli.entry import run

if __name__ == "__main__":
    run()
