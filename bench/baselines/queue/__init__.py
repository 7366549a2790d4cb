"""The ledger's first version: one commit per change, with threads that queue for an account."""
