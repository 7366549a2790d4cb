"""The simulator as a Flask application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask

from . import api, control, payment_page

if TYPE_CHECKING:
    from .simulator import Simulator


def create_app(simulator: Simulator) -> Flask:
    """Serve Stripe's API, the payment page and the control paths of one simulator."""
    app = Flask(__name__)
    api.install(app, simulator)
    control.install(app, simulator)
    payment_page.install(app, simulator)
    return app
