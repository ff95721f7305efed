"""Switches as far as Earmark sees them, on the sockets of the library `websockets`.

usage: websocket_client.py ADDRESS CUSTOMER.pcm PROXY.pcm CUSTOMER_ID API_KEY CLIENT_SECRET

The files hold 8 kHz signed 16 bit little-endian samples: the customer's call and a listed proxy's.
CLIENT_SECRET is base64. Prints the name of each check that held; ends with an error at the first that
did not.
"""

import base64
import hashlib
import hmac
import json
import secrets
import sys
import time
import uuid
from pathlib import Path

import numpy as np
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

ADDRESS = sys.argv[1]
CUSTOMER, PROXY = (Path(path).read_bytes() for path in sys.argv[2:4])
CUSTOMER_ID, API_KEY = sys.argv[4:6]
SECRET = base64.b64decode(sys.argv[6])
PATIENCE_S = 120


def frames(audio: bytes, size: int) -> list[bytes]:
    return [audio[at : at + size] for at in range(0, len(audio), size)]


def mu_law(pcm: bytes) -> bytes:
    """ITU-T G.711: a sign, a segment of a doubling step, and 16 steps in it."""
    samples = np.frombuffer(pcm, "<i2").astype(np.int32)
    magnitude = np.minimum(np.abs(samples), 32635) + 0x84
    segment = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    code = (segment << 4) | ((magnitude >> (segment + 3)) & 0x0F)
    return (~np.where(samples < 0, code | 0x80, code) & 0xFF).astype(np.uint8).tobytes()


def until_final(socket) -> list[dict]:
    """The updates that come back on FreeSWITCH's socket."""
    updates = []
    while not updates or not updates[-1]["final"]:
        message = json.loads(socket.recv(timeout=PATIENCE_S))
        assert message["type"] == "json", message
        updates.append(message["data"])
    return updates


def closed_with(socket, code: int) -> None:
    for _ in socket:
        pass
    assert socket.close_code == code, (socket.close_code, socket.close_reason)


def freeswitch_gets_a_proxys_verdict_back() -> None:
    with connect(f"ws://{ADDRESS}/media/freeswitch", subprotocols=["audio.drachtio.org"]) as socket:
        assert socket.subprotocol == "audio.drachtio.org"
        socket.send(json.dumps({"call_id": "py-1", "customer_id": CUSTOMER_ID}))
        for frame in frames(PROXY, 320):
            socket.send(frame)
        socket.send(b"")
        assert until_final(socket)[-1]["verdict"] == "SUSPECTED_PROXY"
        closed_with(socket, 1000)


def freeswitch_hold_and_transfer_begin_anew() -> None:
    with connect(f"ws://{ADDRESS}/media/freeswitch?call_id=py-2&customer_id={CUSTOMER_ID}") as socket:
        for frame in frames(PROXY, 320):
            socket.send(frame)
        socket.send(json.dumps({"event": "hold"}))
        for frame in frames(PROXY, 320):
            socket.send(frame)
        socket.send(json.dumps({"event": "resume"}))
        socket.send(json.dumps({"event": "transfer"}))
        for frame in frames(CUSTOMER, 320):
            socket.send(frame)
        socket.send(json.dumps({"event": "hangup"}))
        updates = until_final(socket)
        assert updates[0]["speaker"] == 1 and updates[-1]["speaker"] == 2, updates[-1]
        assert "SPEAKER_CHANGED" in updates[-1]["reasons"], updates[-1]
        first = [u for u in updates if u["speaker"] == 1][-1]
        assert first["verdict"] == "SUSPECTED_PROXY", first


def asterisk_hangs_up() -> None:
    url = f"ws://{ADDRESS}/media/asterisk?customer_id={CUSTOMER_ID}"
    with connect(url, subprotocols=["media"]) as socket:
        start = {
            "event": "MEDIA_START", "connection_id": "earmark", "channel": "WebSocket/earmark/0x1",
            "channel_id": "py.3", "format": "ulaw", "optimal_frame_size": 160, "ptime": 20,
            "channel_variables": {"EARMARK_AGENT_ID": "1001"},
        }
        socket.send(json.dumps(start))
        for frame in frames(mu_law(CUSTOMER), 160):
            socket.send(frame)
        socket.close()
    assert socket.close_code == 1000, socket.close_code


def twilio_stops() -> None:
    with connect(f"ws://{ADDRESS}/media/twilio") as socket:
        number = 0

        def say(event: str, **fields) -> None:
            nonlocal number
            number += 1
            socket.send(json.dumps({"event": event, "sequenceNumber": str(number), "streamSid": "MZ", **fields}))

        socket.send(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
        say("start", start={
            "accountSid": "AC", "streamSid": "MZ", "callSid": "py-4", "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"customer_id": CUSTOMER_ID},
        })
        for index, frame in enumerate(frames(mu_law(CUSTOMER), 160)):
            payload = base64.b64encode(frame).decode()
            say("media", media={
                "track": "inbound", "chunk": str(index + 1), "timestamp": str(20 * index), "payload": payload,
            })
        say("stop", stop={"accountSid": "AC", "callSid": "py-4"})
        closed_with(socket, 1000)


def signed(session: str) -> dict[str, str]:
    headers = {
        "audiohook-organization-id": session, "audiohook-session-id": session,
        "audiohook-correlation-id": str(uuid.uuid4()), "x-api-key": API_KEY,
    }
    names = ["@request-target", "@authority", *headers]
    now = int(time.time())
    covered = "(" + " ".join(f'"{name}"' for name in names) + ")"
    covered += f';keyid="{API_KEY}";nonce="{secrets.token_urlsafe(24)}";alg="hmac-sha256"'
    covered += f";created={now};expires={now + 10}"
    lines = ['"@request-target": /media/audiohook', f'"@authority": {ADDRESS}']
    lines += [f'"{name}": {value}' for name, value in headers.items()]
    lines.append(f'"@signature-params": {covered}')
    mac = hmac.new(SECRET, "\n".join(lines).encode(), hashlib.sha256).digest()
    return {**headers, "signature-input": f"s={covered}", "signature": f"s=:{base64.b64encode(mac).decode()}:"}


def audiohook_closes() -> None:
    session = str(uuid.uuid4())
    url = f"ws://{ADDRESS}/media/audiohook"
    with connect(url, additional_headers=signed(session)) as socket:
        seq = 0

        def say(kind: str, parameters: dict) -> None:
            nonlocal seq
            seq += 1
            socket.send(json.dumps({
                "version": "2", "id": session, "type": kind, "seq": seq, "serverseq": seq - 1,
                "position": "PT0S", "parameters": parameters,
            }))

        def hear(kind: str) -> dict:
            message = json.loads(socket.recv(timeout=PATIENCE_S))
            assert (message["type"], message["seq"], message["clientseq"]) == (kind, seq, seq), message
            return message["parameters"]

        say("open", {
            "organizationId": session, "conversationId": str(uuid.uuid4()),
            "participant": {"id": session, "ani": "+86138", "aniName": "", "dnis": "400"},
            "media": [
                {"type": "audio", "format": "PCMU", "channels": ["external", "internal"], "rate": 8000},
                {"type": "audio", "format": "PCMU", "channels": ["external"], "rate": 8000},
            ],
            "inputVariables": {"customer_id": CUSTOMER_ID},
        })
        assert hear("opened")["media"][0]["channels"] == ["external"]
        for frame in frames(mu_law(CUSTOMER), 1600):
            socket.send(frame)
        say("ping", {"rtt": "PT0.045S"})
        hear("pong")
        say("close", {"reason": "end"})
        hear("closed")
        # It is the client that closes.
        socket.close()
        closed_with(socket, 1000)


def an_unsigned_audiohook_is_refused() -> None:
    try:
        connect(f"ws://{ADDRESS}/media/audiohook", additional_headers={"x-api-key": API_KEY})
    except InvalidStatus as refused:
        assert refused.response.status_code == 401, refused
    else:
        sys.exit("the socket opened")


for check in (
    freeswitch_gets_a_proxys_verdict_back,
    freeswitch_hold_and_transfer_begin_anew,
    asterisk_hangs_up,
    twilio_stops,
    audiohook_closes,
    an_unsigned_audiohook_is_refused,
):
    check()
    print(check.__name__, flush=True)
