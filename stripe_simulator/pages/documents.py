"""The receipts that charges link to, and the invoices that `hosted_invoice_url` links to."""

from flask import Flask, Response

from stripe_simulator.engine.currencies import money
from stripe_simulator.engine.objects import StripeObject
from stripe_simulator.engine.simulator import Simulator
from stripe_simulator.pages.rendering import message, render


def install(app: Flask, simulator: Simulator) -> None:
    """Serve receipts and invoices."""

    @app.get("/receipts/<charge_id>")
    def receipt(charge_id: str) -> Response:
        with simulator.lock:
            charge = _find(simulator, "charge", charge_id)
            if charge is None:
                return message("Receipt not found", "This link doesn't match a receipt.", status=404)
            paid = money(charge["amount"], charge["currency"])
            refunded = money(charge["amount_refunded"], charge["currency"])
            text = f"{paid} paid, {refunded} refunded." if charge["amount_refunded"] else f"{paid} paid."
            return message("Receipt", text)

    @app.get("/invoices/<invoice_id>")
    def invoice(invoice_id: str) -> Response:
        with simulator.lock:
            found = _find(simulator, "invoice", invoice_id)
            if found is None:
                return message("Invoice not found", "This link doesn't match an invoice.", status=404)
            return render("invoice.html", invoice=found)


def _find(simulator: Simulator, kind: str, object_id: str) -> StripeObject | None:
    """Return an object of whichever account it belongs to."""
    for account in simulator.accounts:
        found = account.store.find(kind, object_id)
        if found is not None:
            return found
    return None
