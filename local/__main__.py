"""`python -m local` starts the stack, prints its addresses, and stops it on Ctrl-C or SIGTERM."""

import signal
import sys
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import click

from local import demo_account
from local.processes import ProgramError
from local.stack import USUAL_PORTS, AlreadyRunningError, Endpoints, Stack
from local.stripe_account import StripeAccount, StripeAccountError
from shared.domain.errors import CatalogError
from shared.runtime.catalog_file import load_catalog

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@click.command()
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=".local",
    show_default=True,
    help="Where logs and endpoints.json go; one stack per directory.",
)
@click.option("--catalog", default="default", show_default=True, envvar="TOKEN_CATALOG", help="The catalog on sale.")
@click.option("--stripe-test-key", default="", envvar="STRIPE_TEST_KEY", help="Buy at Stripe itself, in test mode.")
@click.option("--stripe-cli-secret", default="", envvar="STRIPE_CLI_SECRET", help="Take events from `stripe listen`.")
def main(directory: Path, catalog: str, stripe_test_key: str, stripe_cli_secret: str) -> None:
    """Run the emulators, the Stripe simulator, every function and the pages on this machine."""
    for number in _STOP_SIGNALS:
        signal.signal(number, _interrupt)
    try:
        load_catalog(catalog)  # fail now rather than when half of the stack is running
        account = StripeAccount(stripe_test_key, stripe_cli_secret)
        print("Starting; this takes about 20 seconds ...", flush=True)
        with Stack(directory, usual_ports=USUAL_PORTS, catalog=catalog, account=account) as stack:
            _print_addresses(stack.endpoints, directory)
            stack.wait()
            sys.exit("Stopping, because the process manager was stopped from outside.")
    except KeyboardInterrupt:
        print("Stopped.")
    except (AlreadyRunningError, CatalogError, ProgramError, StripeAccountError) as error:
        sys.exit(str(error))


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    for number in _STOP_SIGNALS:  # stopping takes a second or two, and a second Ctrl-C must not interrupt it
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _print_addresses(endpoints: Endpoints, directory: Path) -> None:
    rows = {
        "Web page and /api": endpoints.web + _web_note(endpoints),
        "Embedding examples": f"{endpoints.examples}/plain/ and {endpoints.examples}/react/",
        "Stripe simulator": endpoints.stripe,
        "Firestore emulator": endpoints.firestore,
        "Pub/Sub emulator": endpoints.pubsub,
        "Auth emulator": endpoints.auth,
    }
    rows |= {f"Function {name}": url for name, url in endpoints.functions.items()}
    width = max(map(len, rows)) + 2
    print("\n".join(f"  {name:{width}}{address}" for name, address in rows.items()))
    print(f"\nSign in as {demo_account.EMAIL} with one click, pay with 4242 4242 4242 4242. Logs: {directory / 'logs'}")
    print("Press Ctrl-C to stop everything.", flush=True)


def _web_note(endpoints: Endpoints) -> str:
    """Explain an unusual port; empty if the pages are at the usual one."""
    usual = USUAL_PORTS["web"]
    return "" if urlsplit(endpoints.web).port == usual else f" ({usual} was taken)"


if __name__ == "__main__":
    main()
