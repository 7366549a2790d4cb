"""The tree of commands, and how errors end them: one line on stderr, and an exit code that is not 0."""

import sys
from pathlib import Path
from typing import Any, Never

import click
from google.api_core import exceptions as google_errors
from google.auth import exceptions as auth_errors

from ops.alerts import alerts
from ops.entries import adjust, credit, grant
from ops.held import held
from ops.migrate import migrate
from ops.reservations import reservations
from ops.topic import dead_letters, replay
from ops.users import audit_command, limits, user
from shared.domain.errors import StripeRefused, TokenEconomyError


class _OperatorGroup(click.Group):
    def main(self, *args: Any, **kwargs: Any) -> Never:  # noqa: ANN401 - as click's own
        """Run the command line; every error that an operator may meet ends in one line."""
        try:
            # Not standalone: click would print a page about a missing option.
            code = super().main(*args, **{**kwargs, "standalone_mode": False})
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(error.exit_code)
        except click.ClickException as error:
            _end(error.format_message(), error.exit_code)
        except click.Abort:
            _end("not confirmed - nothing changed")
        except StripeRefused as error:
            _end(f"Stripe refused the request: {error.stripe_code or 'it gave no reason'}")
        except (TokenEconomyError, google_errors.GoogleAPIError, auth_errors.GoogleAuthError) as error:
            _end(str(error))
        sys.exit(code if isinstance(code, int) else 0)


def _end(message: str, code: int = 1) -> Never:
    click.echo(f"Error: {' '.join(message.split())}", err=True)
    sys.exit(code)


@click.group(cls=_OperatorGroup)
@click.option("--local", is_flag=True, help="Work on the local stack that `make run` started.")
@click.option(
    "--endpoints",
    type=click.Path(dir_okay=False, path_type=Path),
    default=".local/endpoints.json",
    show_default=True,
    help="With --local: the file with that stack's addresses.",
)
def cli(**_options: object) -> None:
    """Look into accounts, decide on held purchases, correct balances, replay events.

    Works on the project that the environment names, with the functions' own settings. Every change asks for
    confirmation first.
    """


_LOOKING = (user, held, alerts, audit_command)
_CHANGING = (adjust, grant, credit, limits, reservations, replay, dead_letters, migrate)
for _command in (*_LOOKING, *_CHANGING):
    cli.add_command(_command)
