"""A mail server for the tests. Prints what happens as lines of JSON, fails as it is told, and ends with its standard input."""

import argparse
import asyncio
import json
import logging
import os
import ssl
import sys
import threading

from aiosmtpd.smtp import SMTP, AuthResult

NEVER = 3600


def say(**what):
    print(json.dumps(what), flush=True)


class Behaviour:
    """The hooks that aiosmtpd calls. The first `--fail-times` mails meet what was asked for; later ones are taken."""

    def __init__(self, asked):
        self.asked = asked
        self.failures = 0

    def _fails(self):
        self.failures += 1
        return self.asked.fail_times is None or self.failures <= self.asked.fail_times

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        return [line for line in responses if not (self.asked.seven_bit and "8BITMIME" in line)]

    async def handle_NOOP(self, server, session, envelope, argument):
        await asyncio.sleep(NEVER if self.asked.hang_noop else 0)
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.asked.answer_rcpt and self._fails():
            return self.asked.answer_rcpt
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        say(
            event="mail",
            connection=server.number,
            tls=session.ssl is not None or self.asked.tls == "implicit",
            user=session.auth_data and session.auth_data.login.decode(),
            sender=envelope.mail_from,
            recipients=envelope.rcpt_tos,
            options=envelope.mail_options,
            content=envelope.content.decode("latin-1"),
        )
        misbehaves = any((self.asked.answer_data, self.asked.hang, self.asked.drop)) and self._fails()
        if misbehaves and self.asked.drop:
            server.transport.abort()
        if misbehaves and (self.asked.drop or self.asked.hang):
            await asyncio.sleep(NEVER if self.asked.drop else self.asked.hang)
        return self.asked.answer_data if misbehaves and self.asked.answer_data else "250 OK"

    def authenticate(self, server, session, envelope, mechanism, data):
        right = f"{data.login.decode()}:{data.password.decode()}" == self.asked.user
        return AuthResult(success=right, handled=False, auth_data=data)


def certificate(asked):
    if not asked.tls:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(asked.certificate, asked.key)
    return context


async def serve(asked):
    behaviour, tls = Behaviour(asked), certificate(asked)
    connections = 0

    def connected():
        nonlocal connections
        connections += 1
        server = SMTP(
            behaviour,
            hostname="localhost",
            enable_SMTPUTF8=asked.utf8,
            tls_context=tls if asked.tls == "starttls" else None,
            auth_required=asked.user is not None,
            auth_require_tls=False,
            authenticator=behaviour.authenticate if asked.user else None,
        )
        server.number = connections
        return server

    implicit = tls if asked.tls == "implicit" else None
    listener = await asyncio.get_running_loop().create_server(connected, "127.0.0.1", asked.port, ssl=implicit)
    say(event="listening", port=listener.sockets[0].getsockname()[1])
    await listener.serve_forever()


def end_with_stdin():
    sys.stdin.read()
    os._exit(0)


parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--user", help="NAME:PASSWORD that is needed")
parser.add_argument("--answer-rcpt", help="instead of taking a recipient")
parser.add_argument("--answer-data", help="instead of taking a mail")
parser.add_argument("--hang", type=float, help="seconds between a mail and its answer")
parser.add_argument("--hang-noop", action="store_true", help="never answer a sign of life")
parser.add_argument("--drop", action="store_true", help="close the connection instead of answering a mail")
parser.add_argument("--fail-times", type=int, help="so many mails meet that, and then no more")
parser.add_argument("--tls", choices=["starttls", "implicit"])
parser.add_argument("--certificate")
parser.add_argument("--key")
parser.add_argument("--seven-bit", action="store_true", help="do not offer 8BITMIME")
parser.add_argument("--utf8", action="store_true", help="offer SMTPUTF8")

logging.disable()
threading.Thread(target=end_with_stdin, daemon=True).start()
asyncio.run(serve(parser.parse_args()))
