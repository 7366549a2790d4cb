"""What every function runs on: HTTP, logs, settings."""
