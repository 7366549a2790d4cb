"""The operator's command line: `python -m ops --help`. docs/operations.md describes every command."""
