"""gRPC servers between the functions and what they call: each call can meet a fault, whoever answers it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc

from local.ports import HOST
from reliability.faults.plan import Call, Plan, meet
from reliability.faults.subjects import subject_of

_THREADS = 48
_STREAMS = {"BatchGetDocuments", "RunQuery", "RunAggregationQuery"}
_DEADLINE_S = 60.0

Answer = Callable[[str, bytes, grpc.ServicerContext], list[bytes]]
"""Answers a call: its full method, its request, and its context; raises grpc.RpcError to refuse."""


class _Handler(grpc.GenericRpcHandler):  # type: ignore[misc] # grpc is untyped
    """Answers every method, as bytes."""

    def __init__(self, plan: Plan, instance: str, function: str, answer: Answer) -> None:
        self._plan = plan
        self._instance = instance
        self._function = function
        self._answer = answer

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        """Return the handler of one method."""
        path = details.method
        if path.rpartition("/")[2] in _STREAMS:
            return grpc.unary_stream_rpc_method_handler(lambda request, context: self._serve(path, request, context))
        return grpc.unary_unary_rpc_method_handler(lambda request, context: next(self._serve(path, request, context)))

    def _serve(self, path: str, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        method = path.rpartition("/")[2]
        call = Call(self._instance, self._function, method, subject_of(method, request))
        fault = self._plan.fault_of(call)
        meet(fault, "before", call, context)
        try:
            answers = self._answer(path, request, context)
        except grpc.RpcError as error:
            context.abort(error.code(), error.details())
        meet(fault, "after", call, context)
        yield from answers


@contextmanager
def serving(plan: Plan, function: str, answer: Answer, *, instance: str | None = None) -> Iterator[str]:
    """Serve calls of one function (and instance) for as long as the context lasts; yield host:port."""
    server = grpc.server(ThreadPoolExecutor(_THREADS))
    server.add_generic_rpc_handlers((_Handler(plan, instance or function, function, answer),))
    port = server.add_insecure_port(f"{HOST}:0")
    server.start()
    try:
        yield f"{HOST}:{port}"
    finally:
        server.stop(None).wait()


def forwarding(target: str) -> Answer:
    """Return an answer that asks the server at host:port."""
    channel = grpc.insecure_channel(target)

    def forward(path: str, request: bytes, context: grpc.ServicerContext) -> list[bytes]:
        # The functions' identity and database travel in the metadata; grpc's own keys must not be sent twice.
        metadata: Any = [
            (key, value)
            for key, value in context.invocation_metadata()
            if not key.startswith(("grpc-", ":")) and key != "user-agent"
        ]
        timeout = min(context.time_remaining() or _DEADLINE_S, _DEADLINE_S)
        if path.rpartition("/")[2] in _STREAMS:
            return list(channel.unary_stream(path)(request, timeout=timeout, metadata=metadata))
        return [channel.unary_unary(path)(request, timeout=timeout, metadata=metadata)]

    return forward
