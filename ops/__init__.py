"""The operator's command line: `python -m ops --help`. docs/operator-commands.md describes every command."""
