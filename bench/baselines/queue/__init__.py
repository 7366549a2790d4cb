"""The ledger's first version: one commit for each change, and threads that queue for an account."""
