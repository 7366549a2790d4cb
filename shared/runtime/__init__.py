"""What every function runs on: the server, HTTP, logs, settings."""
