"""Puts the system on Google Cloud: what ./deploy.sh runs. That much needs no more than Python itself."""
