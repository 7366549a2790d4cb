"""The simulator as a Flask application."""

from flask import Flask

from stripe_simulator import api
from stripe_simulator.controls import conditions, payments
from stripe_simulator.engine.simulator import Simulator
from stripe_simulator.pages import checkout, documents


def create_app(simulator: Simulator) -> Flask:
    """Serve Stripe's API, the pages and the controls of one simulator."""
    app = Flask(__name__, template_folder="pages/templates")
    api.install(app, simulator)
    payments.controls.install(app, simulator)
    conditions.controls.install(app, simulator)
    checkout.install(app, simulator)
    documents.install(app, simulator)
    return app
