"""Answers each request with a loss, as fast as Python does: prints its port, and goes on until it is stopped."""
import asyncio

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"loss": 1}'


class Responder(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.rest = transport, b""

    def data_received(self, data):
        self.rest += data
        # A request is one small object of parameters; its end is the end of that.
        while b"\r\n\r\n" in self.rest and self.rest.endswith(b"}"):
            self.rest = b""
            self.transport.write(ANSWER)


async def main():
    server = await asyncio.get_running_loop().create_server(Responder, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
