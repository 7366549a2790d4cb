"""Run functions-framework as Cloud Run does, on a clock of its own and with the harness's Secret Manager.

Usage: `python -m reliability.faults.instance <functions-framework's options>`; it reads SECRET_MANAGER (host:port) and
CLOCK_OFFSET_S from its environment. Neither has a switch in the product, so both are replaced here.
"""

import datetime as dt
import os
import sys
import time
from typing import Any

import grpc
from functions_framework._cli import _cli as functions_framework
from google.cloud import secretmanager
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
    SecretManagerServiceGrpcTransport,
)


def main() -> None:
    """Replace what is asked for, then start the function."""
    if address := os.environ.get("SECRET_MANAGER"):
        _use_secret_manager(address)
    if offset_s := float(os.environ.get("CLOCK_OFFSET_S", "0")):
        _shift_clock(offset_s)
    functions_framework()


def _use_secret_manager(address: str) -> None:
    client = secretmanager.SecretManagerServiceClient

    def connect() -> secretmanager.SecretManagerServiceClient:
        return client(transport=SecretManagerServiceGrpcTransport(channel=grpc.insecure_channel(address)))

    secretmanager.SecretManagerServiceClient = connect  # type: ignore[assignment,misc]


class _IsADatetime(type(dt.datetime)):  # type: ignore[misc] # a class made at run time
    """Lets the C library's datetimes pass for shifted ones."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _REAL)


_REAL = dt.datetime


def _shift_clock(offset_s: float) -> None:
    """Shift what the product asks the time of. Deadlines use the monotonic clock, which stays."""
    real_time = time.time

    class Shifted(_REAL, metaclass=_IsADatetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:  # noqa: ANN401 - as the library's own
            return _REAL.now(tz) + dt.timedelta(seconds=offset_s)

    dt.datetime = Shifted  # type: ignore[misc]

    def shifted_time() -> float:
        # grpc counts its deadlines by this clock: those have to stay.
        caller = str(sys._getframe(1).f_globals.get("__name__"))  # noqa: SLF001 - CPython's own way to ask
        return real_time() + (0.0 if caller.startswith("grpc") else offset_s)

    time.time = shifted_time


if __name__ == "__main__":
    main()
