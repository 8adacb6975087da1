"""Publishes one message with NATS' text protocol alone: what any NATS client does.

usage: publish.py HOST PORT SUBJECT MESSAGE
"""
import socket
import sys

host, port, subject, message = sys.argv[1:]
connection = socket.create_connection((host, int(port)))
stream = connection.makefile("rwb")
assert stream.readline().startswith(b"INFO ")
data = message.encode()
stream.write(b'CONNECT {"verbose":false}\r\n')
stream.write(f"PUB {subject} {len(data)}\r\n".encode() + data + b"\r\nPING\r\n")
stream.flush()
while stream.readline().strip() != b"PONG":
    pass
