"""The test cards and what each does (https://docs.stripe.com/testing)."""

import re
from dataclasses import dataclass

from stripe_simulator.engine.errors import ApiError, card_declined
from stripe_simulator.engine.objects import StripeObject, template

_SHORTEST_NUMBER = 12


@dataclass(frozen=True, slots=True)
class Card:
    """A test card: it pays, is declined with the bank's message, or asks for 3-D Secure first."""

    number: str
    brand: str = "visa"
    decline: tuple[str, str, str | None] | None = None
    """The message, error code and decline code of its refusal."""
    asks_3ds: bool = False

    @property
    def last4(self) -> str:
        """Return the four digits that may be shown."""
        return self.number[-4:]

    def refusal(self) -> ApiError | None:
        """Return the error of a declined payment, if the card declines."""
        if self.decline is None:
            return None
        message, code, decline_code = self.decline
        return card_declined(message, code=code, decline_code=decline_code)

    def payment_method_details(self, amount: int) -> StripeObject:
        """Return a charge's `payment_method_details`."""
        card = template("payment_method_details.card")
        card.update(
            amount_authorized=amount,
            brand=self.brand,
            exp_month=12,
            exp_year=2034,
            last4=self.last4,
            network=self.brand,
            overcapture={"maximum_amount_capturable": amount, "status": "unavailable"},
        )
        return {"card": card, "type": "card"}


def _declines(number: str, message: str, code: str, decline_code: str | None = None) -> Card:
    return Card(number, decline=(message, code, decline_code))


_CARDS = {
    card.number: card
    for card in (
        Card("4242424242424242"),
        Card("4000056655665556"),
        Card("5555555555554444", brand="mastercard"),
        Card("378282246310005", brand="amex"),
        Card("4000002500003155", asks_3ds=True),
        Card("4000002760003184", asks_3ds=True),
        _declines("4000000000000002", "Your card was declined.", "card_declined", "generic_decline"),
        _declines("4000000000009995", "Your card has insufficient funds.", "card_declined", "insufficient_funds"),
        _declines("4000000000009987", "Your card was declined.", "card_declined", "lost_card"),
        _declines("4000000000000069", "Your card has expired.", "expired_card"),
        _declines("4000000000000127", "Your card's security code is incorrect.", "incorrect_cvc"),
        _declines(
            "4000000000000119",
            "An error occurred while processing your card. Try again in a little bit.",
            "processing_error",
        ),
    )
}


def card(number: str) -> Card:
    """Return the test card with this number, which may contain spaces.

    Raises:
        ApiError: 402; this is not a card number, or not one of Stripe's test cards.
    """
    digits = re.sub(r"[\s-]", "", number)
    if not digits.isascii() or not digits.isdigit() or len(digits) < _SHORTEST_NUMBER or not _passes_luhn(digits):
        raise card_declined("Your card number is invalid.", code="incorrect_number", param="number")
    known = _CARDS.get(digits)
    if known is None:
        message = (
            "Your card was declined. Your request was in test mode, but used a non test card. For a list of valid test "
            "cards, visit: https://stripe.com/docs/testing."
        )
        raise card_declined(message, code="card_declined", decline_code="test_mode_live_card")
    return known


def check_expiry(expiry: str, *, this_year: int, this_month: int) -> None:
    """Check `MM / YY` as the payment page does; raises ApiError 402."""
    written = re.fullmatch(r"\s*(\d{1,2})\s*/?\s*(\d{2}|\d{4})\s*", expiry)
    if written is None or not 1 <= int(written[1]) <= 12:  # noqa: PLR2004 - months
        raise card_declined(
            "Your card's expiration date is incomplete.", code="invalid_expiry_month", param="exp_month"
        )
    year = int(written[2]) % 100 + 2000
    if (year, int(written[1])) < (this_year, this_month):
        raise card_declined("Your card's expiration year is in the past.", code="invalid_expiry_year", param="exp_year")


def check_cvc(cvc: str) -> None:
    """Check the security code's form; raises ApiError 402."""
    if not re.fullmatch(r"\s*[0-9]{3,4}\s*", cvc):
        raise card_declined("Your card's security code is incomplete.", code="invalid_cvc", param="cvc")


def _passes_luhn(digits: str) -> bool:
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 else 1)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - the checksum's own rule
    return total % 10 == 0
