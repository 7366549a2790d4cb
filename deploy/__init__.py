"""Puts the system on Google Cloud: what ./deploy.sh runs. Standard library only, so that it runs before anything is installed."""
