"""What every part builds on: accounts, their objects and events, time, errors, faults, idempotency keys, webhooks."""
