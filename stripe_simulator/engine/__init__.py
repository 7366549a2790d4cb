"""What every part stands on: accounts and their objects, time, errors, faults, idempotency keys, webhooks."""
