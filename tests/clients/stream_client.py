"""A client of Earmark that shares no code with it: grpcio, with stubs made from proto/ by grpcio-tools.

usage: stream_client.py ADDRESS PROTO_FOLDER ENROLL.pcm CALL.pcm

Both files hold 8 kHz signed 16 bit little-endian samples of one voice. Prints the name of each check
that held; ends with an error at the first that did not.
"""

import queue
import sys
import tempfile
import threading
from pathlib import Path

import grpc
from google.protobuf.message import Message
from grpc_tools import protoc

PACKET = 320
PATIENCE_S = 120

# The parts of google/rpc/status.proto and error_details.proto that are read here: grpcio brings no
# copy of them.
RPC_DETAILS = """
syntax = "proto3";
package google.rpc;
import "google/protobuf/any.proto";
message Status { int32 code = 1; string message = 2; repeated google.protobuf.Any details = 3; }
message ErrorInfo { string reason = 1; string domain = 2; map<string, string> metadata = 3; }
message BadRequest {
  message FieldViolation { string field = 1; string description = 2; }
  repeated FieldViolation field_violations = 1;
}
"""


def make_stubs(proto: Path, to: Path) -> None:
    """Compiles the proto files into Python modules, which can be imported from then on."""
    (to / "rpc_details.proto").write_text(RPC_DETAILS)
    files = [str(path) for path in [*sorted(proto.rglob("*.proto")), to / "rpc_details.proto"]]
    includes = [f"-I{folder}" for folder in (proto, to, Path(protoc.__file__).parent / "_proto")]
    outputs = [f"--python_out={to}", f"--grpc_python_out={to}"]
    if protoc.main(["protoc", *includes, *outputs, *files]) != 0:
        sys.exit("the stubs could not be made")
    sys.path.insert(0, str(to))


def packets(pcm: bytes) -> list[bytes]:
    return [pcm[at : at + PACKET] for at in range(0, len(pcm), PACKET)]


def details(error: grpc.RpcError) -> tuple[str, list[str]]:
    """The reason and the field violations in an error's google.rpc details."""
    import rpc_details_pb2

    blob = dict(error.trailing_metadata())["grpc-status-details-bin"]
    status = rpc_details_pb2.Status.FromString(blob)
    reason, fields = "", []
    for detail in status.details:
        info, request = rpc_details_pb2.ErrorInfo(), rpc_details_pb2.BadRequest()
        if detail.Unpack(info):
            reason = info.reason
        if detail.Unpack(request):
            fields += [violation.field for violation in request.field_violations]
    return reason, fields


def fails(work, code: grpc.StatusCode) -> grpc.RpcError:
    try:
        work()
    except grpc.RpcError as error:
        assert error.code() == code, f"{error.code()} is not {code}: {error.details()}"
        return error
    raise AssertionError(f"no error, where {code} was due")


class Client:
    """The stubs and the messages, made at run time."""

    def __init__(self, address: str):
        from earmark.v1 import audio_pb2, call_pb2, customers_service_pb2, customers_service_pb2_grpc
        from earmark.v1 import screening_service_pb2, screening_service_pb2_grpc

        channel = grpc.insecure_channel(address)
        grpc.channel_ready_future(channel).result(timeout=PATIENCE_S)
        self.customers = customers_service_pb2_grpc.CustomersServiceStub(channel)
        self.screening = screening_service_pb2_grpc.ScreeningServiceStub(channel)
        self.audio, self.call = audio_pb2, call_pb2
        self.customers_pb, self.screening_pb = customers_service_pb2, screening_service_pb2
        self.channel = channel

    def format(self) -> Message:
        return self.audio.StreamFormat(encoding=self.audio.ENCODING_PCM_S16LE, sample_rate_hz=8000)

    def enrollment(self, customer: str, pcm: bytes):
        request = self.customers_pb.EnrollRequest
        yield request(config=self.customers_pb.EnrollConfig(customer_id=customer, format=self.format()))
        for packet in packets(pcm):
            yield request(audio=packet)

    def config(self, call: str, claimed: str, agent: str = "") -> Message:
        info = self.call.CallInfo(call_id=call, claimed_customer_id=claimed, agent_id=agent)
        config = self.screening_pb.ScreenCallConfig(call=info, format=self.format())
        return self.screening_pb.ScreenCallRequest(config=config)

    def screening_of(self, call: str, claimed: str, pcm: bytes, agent: str = ""):
        yield self.config(call, claimed, agent)
        for packet in packets(pcm):
            yield self.screening_pb.ScreenCallRequest(audio=packet)


def enrolls_from_a_stream(client: Client, enroll: bytes, call: bytes) -> None:
    reply = client.customers.Enroll(client.enrollment("py-customer", enroll), timeout=PATIENCE_S)
    assert reply.customer.customer_id == "py-customer", reply
    assert reply.speech.net_speech_s > 8, reply.speech
    got = client.customers.GetCustomer(client.customers_pb.GetCustomerRequest(customer_id="py-customer"))
    assert got.customer == reply.customer


def screens_a_call_both_ways(client: Client, enroll: bytes, call: bytes) -> None:
    """Audio goes in while updates come out, on one stream."""
    sent: queue.Queue = queue.Queue()
    sent.put(client.config("py-call", "py-customer"))
    for packet in packets(call):
        sent.put(client.screening_pb.ScreenCallRequest(audio=packet))
    replies = client.screening.ScreenCall(iter(sent.get, None), timeout=PATIENCE_S)
    first = next(replies).update
    assert first.sequence == 1 and not first.final and first.speech.net_speech_s >= 3, first
    sent.put(None)
    updates = [first] + [reply.update for reply in replies]
    assert [u.sequence for u in updates] == list(range(1, len(updates) + 1))
    last = updates[-1]
    assert last.final and last.decision.verdict == client.call.VERDICT_MATCH, last
    posterior = last.posterior
    assert abs(posterior.customer + posterior.listed_proxy + posterior.somebody_else - 1) < 1e-9


def watches_a_call(client: Client, enroll: bytes, call: bytes) -> None:
    watch = client.screening.WatchCalls(
        client.screening_pb.WatchCallsRequest(agent_id="py-agent"), timeout=PATIENCE_S
    )
    watch.initial_metadata()  # from here on the server sends every update
    seen: list = []

    def look() -> None:
        for reply in watch:
            seen.append(reply.update)
            if reply.update.final:
                return

    desktop = threading.Thread(target=look)
    desktop.start()
    screened = client.screening.ScreenCall(
        client.screening_of("py-watched", "py-customer", call, "py-agent"), timeout=PATIENCE_S
    )
    updates = [reply.update for reply in screened]
    desktop.join()
    watch.cancel()
    assert len(updates) > 3 and seen == updates


def reads_the_details_of_a_refusal(client: Client, enroll: bytes, call: bytes) -> None:
    request = client.customers_pb.EnrollRequest
    config = client.customers_pb.EnrollConfig(customer_id="py-bad")
    error = fails(
        lambda: client.customers.Enroll(iter([request(config=config)])), grpc.StatusCode.INVALID_ARGUMENT
    )
    assert details(error) == ("FORMAT_MISSING", ["config.format"]), details(error)
    audio_first = iter([client.screening_pb.ScreenCallRequest(audio=b"\0" * 320)])
    error = fails(lambda: list(client.screening.ScreenCall(audio_first)), grpc.StatusCode.INVALID_ARGUMENT)
    assert details(error)[0] == "CONFIG_MISSING"
    taken = client.screening_of("py-call", "", call)
    error = fails(lambda: list(client.screening.ScreenCall(taken)), grpc.StatusCode.ALREADY_EXISTS)
    assert details(error)[0] == "ALREADY_EXISTS"


def cancels_a_call(client: Client, enroll: bytes, call: bytes) -> None:
    """Updates that came are kept, and the call is ended for those who watch."""
    watch = client.screening.WatchCalls(
        client.screening_pb.WatchCallsRequest(agent_id="py-cancel"), timeout=PATIENCE_S
    )
    watch.initial_metadata()
    sent: queue.Queue = queue.Queue()
    for message in client.screening_of("py-cancelled", "", call, "py-cancel"):
        sent.put(message)
    replies = client.screening.ScreenCall(iter(sent.get, None), timeout=PATIENCE_S)
    next(replies)
    replies.cancel()
    sent.put(None)
    fails(lambda: list(replies), grpc.StatusCode.CANCELLED)
    seen = []
    for reply in watch:
        seen.append(reply.update)
        if reply.update.final:
            break
    record = client.screening.GetCall(client.screening_pb.GetCallRequest(call_id="py-cancelled")).call
    assert list(record.updates) == seen and record.HasField("end_time")


def meets_its_deadline(client: Client, enroll: bytes, call: bytes) -> None:
    """A stream that is never half-closed ends at its deadline, and enrolls nobody."""
    sent: queue.Queue = queue.Queue()
    for message in client.enrollment("py-late", enroll):
        sent.put(message)
    try:
        fails(
            lambda: client.customers.Enroll(iter(sent.get, None), timeout=1),
            grpc.StatusCode.DEADLINE_EXCEEDED,
        )
    finally:
        sent.put(None)
    unknown = client.customers_pb.GetCustomerRequest(customer_id="py-late")
    error = fails(lambda: client.customers.GetCustomer(unknown), grpc.StatusCode.NOT_FOUND)
    assert details(error)[0] == "NOT_FOUND"


def finds_the_services_by_the_older_reflection(client: Client, enroll: bytes, call: bytes) -> None:
    from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

    services = ProtoReflectionDescriptorDatabase(client.channel).get_services()
    for name in ("Customers", "ProxyLibrary", "Screening", "Voiceprints"):
        assert f"earmark.v1.{name}Service" in services, services


CHECKS = [
    enrolls_from_a_stream,
    screens_a_call_both_ways,
    watches_a_call,
    reads_the_details_of_a_refusal,
    cancels_a_call,
    meets_its_deadline,
    finds_the_services_by_the_older_reflection,
]


def main() -> None:
    address, proto, enroll, call = sys.argv[1], Path(sys.argv[2]), *map(Path, sys.argv[3:5])
    with tempfile.TemporaryDirectory(prefix="earmark-stubs-") as stubs:
        make_stubs(proto, Path(stubs))
        client = Client(address)
        for check in CHECKS:
            check(client, enroll.read_bytes(), call.read_bytes())
            print(check.__name__, flush=True)


main()
