"""The simulator as a Flask application."""

from flask import Flask

from stripe_simulator import api
from stripe_simulator.controls import payments as controls
from stripe_simulator.engine.simulator import Simulator
from stripe_simulator.pages import payment as payment_page


def create_app(simulator: Simulator) -> Flask:
    """Serve Stripe's API, the payment page and the control paths of one simulator."""
    app = Flask(__name__, template_folder="pages/templates")
    api.install(app, simulator)
    controls.install(app, simulator)
    payment_page.install(app, simulator)
    return app
