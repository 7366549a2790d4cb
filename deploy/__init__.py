"""What ./deploy.sh runs: it deploys the product to Google Cloud, with nothing but Python's standard library."""
