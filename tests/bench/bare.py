"""The same checks by the barest asyncio script: no project file, no ledger, no evidence, no verdict.

What gonogo would be if nobody had to believe it: the floor, not a peer.
"""

import asyncio
import socket
import struct
import sys

COUNT, HTTP, DNS = map(int, sys.argv[1:4])


async def connected(loop: asyncio.AbstractEventLoop, host: str) -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)
    await loop.sock_connect(sock, (host, HTTP))
    return sock


async def main() -> None:
    loop = asyncio.get_running_loop()
    todo = iter(range(COUNT))
    asked: dict[int, asyncio.Future[bytes]] = {}
    names = socket.socket(type=socket.SOCK_DGRAM)
    names.setblocking(False)
    names.connect(("127.0.0.1", DNS))

    def heard() -> None:
        reply = names.recv(1500)
        asked.pop(struct.unpack_from("!H", reply)[0]).set_result(reply)

    loop.add_reader(names, heard)

    async def work() -> None:
        for i in todo:
            if i % 4 < 2:
                (await connected(loop, f"127.0.0.{1 + i % 200}")).close()
            elif i % 4 == 2:
                label = f"h{i % 100}".encode()
                question = bytes([len(label)]) + label + b"\7example\4test\0\0\1\0\1"
                asked[i] = loop.create_future()
                names.send(struct.pack("!HHHHHH", i, 0, 1, 0, 0, 0) + question)
                assert (await asked[i] if i in asked else b"x")[-1] == 1 + i % 100
            else:
                sock = await connected(loop, f"127.0.0.{1 + i % 200}")
                await loop.sock_sendall(sock, b"GET / HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n")
                reply = b""
                while part := await loop.sock_recv(sock, 65536):
                    reply += part
                assert reply.startswith(b"HTTP/1.1 200")
                sock.close()

    await asyncio.gather(*(work() for _ in range(50)))


asyncio.run(main())
