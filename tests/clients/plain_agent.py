"""A plain agent, in another language and without any SDK or library: Python's sockets alone.

usage: plain_agent.py HOST PORT SESSION ROLE

Answers each work item with its message in capitals, until the relay closes.
"""
import base64
import json
import os
import socket
import struct
import sys

host, port, session, role = sys.argv[1:]


def read(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            sys.exit(0)
        data += more
    return data


def send(connection, opcode, data):
    """Sends one frame; clients mask what they send (RFC 6455, section 5.3)."""
    mask = os.urandom(4)
    size = len(data)
    head = bytes([0x80 | opcode])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65536:
        head += bytes([0x80 | 126]) + struct.pack(">H", size)
    else:
        head += bytes([0x80 | 127]) + struct.pack(">Q", size)
    connection.sendall(head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(data)))


def receive(connection):
    first, second = read(connection, 2)
    size = second & 0x7F
    if size == 126:
        (size,) = struct.unpack(">H", read(connection, 2))
    elif size == 127:
        (size,) = struct.unpack(">Q", read(connection, 8))
    return first & 0x0F, read(connection, size)


connection = socket.create_connection((host, int(port)))
key = base64.b64encode(os.urandom(16)).decode()
connection.sendall(
    f"GET /agent?session_id={session}&role={role} HTTP/1.1\r\nHost: {host}:{port}\r\n"
    f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n".encode()
)
response = b""
while not response.endswith(b"\r\n\r\n"):
    response += read(connection, 1)
assert b" 101 " in response.split(b"\r\n")[0], response
print("connected", flush=True)

while True:
    opcode, data = receive(connection)
    if opcode == 8:
        sys.exit(0)
    elif opcode == 9:
        send(connection, 10, data)
    elif opcode == 1:
        work = json.loads(data)
        answer = {"shouted": work["payload"]["message"].upper()}
        reply = {"id": work["id"], "type": "result", "payload": answer}
        send(connection, 1, json.dumps(reply).encode())
