"""`python -m stripe_simulator`: serve the simulator until it is stopped."""

import os
import signal
import threading

from stripe_simulator.server import make
from stripe_simulator.settings import Settings


def main() -> None:
    """Serve on PORT until SIGINT or SIGTERM."""
    settings = Settings.from_environment(os.environ)
    server, simulator = make(settings)

    def stop(_signal: int, _frame: object) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    listeners = ", ".join(settings.webhook_urls) or "nobody"
    print(f"Stripe simulator on {simulator.settings.base_url}, webhooks to {listeners}", flush=True)
    server.serve_forever()
    server.server_close()
    simulator.stop()


if __name__ == "__main__":
    main()
