"""What sockets of a test cannot show: sizes in memory, certificates, proxies of the environment."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.errors import ConfigurationError
from connectors.http.exchange import BODY_LIMIT
from connectors.http.retry import Failure, NoAnswer
from connectors.http.wire import Wire, _proxy_for, _unpacked


def test_unpacking_never_holds_more_than_the_limit_at_once() -> None:
    bomb = gzip.compress(b" " * (4 * BODY_LIMIT), 1)
    assert max(map(len, _unpacked([bomb]))) <= BODY_LIMIT


def test_packed_pieces_of_any_size_are_unpacked_whole() -> None:
    packed = gzip.compress(b'{"a": 1}')
    assert b"".join(_unpacked(bytes([byte]) for byte in packed)) == b'{"a": 1}'


def test_port_that_speaks_no_tls_was_not_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def talk_plainly() -> None:
            connection, _ = server.accept()
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            connection.close()

        talker = threading.Thread(target=talk_plainly)
        talker.start()
        wire = Wire(f"https://127.0.0.1:{port}", 2.0, 2.0)
        with pytest.raises(NoAnswer) as caught:
            wire.send("GET", f"https://127.0.0.1:{port}/", {}, None)
        talker.join()
        wire.close()
    assert caught.value.failure is Failure.UNREACHABLE


def test_certificate_that_does_not_hold_is_no_case_for_retries(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def offer_the_certificate() -> None:
            connection, _ = server.accept()
            with suppress(OSError):
                context.wrap_socket(connection, server_side=True)
            connection.close()

        offering = threading.Thread(target=offer_the_certificate)
        offering.start()
        wire = Wire(f"https://127.0.0.1:{port}", 2.0, 2.0)
        with pytest.raises(NoAnswer) as caught:
            wire.send("GET", f"https://127.0.0.1:{port}/", {}, None)
        offering.join()
        wire.close()
    assert caught.value.failure is Failure.UNTRUSTED


def self_signed(folder: Path) -> Path:
    """A key and a certificate for localhost that nobody vouches for, in one file."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("variables", "url", "proxy"),
    [
        ({}, "https://api.x.com", None),
        ({"HTTPS_PROXY": "http://p:3128"}, "https://api.x.com", "http://p:3128"),
        ({"HTTPS_PROXY": "p:3128"}, "https://api.x.com", "http://p:3128"),
        ({"HTTPS_PROXY": "http://p:3128"}, "http://api.x.com", None),
        ({"ALL_PROXY": "http://p:3128"}, "http://api.x.com", "http://p:3128"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "x.com"}, "https://api.x.com", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://127.0.0.1:8099/quo", None),
    ],
)
def test_proxy_is_the_environments(
    environment: pytest.MonkeyPatch, variables: dict[str, str], url: str, proxy: str | None
) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)
    assert _proxy_for(url) == proxy


def test_proxy_of_another_kind_is_a_configuration_error_without_its_password(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("HTTPS_PROXY", "socks5://me:s3cr3t@p:1080")
    with pytest.raises(ConfigurationError, match="HTTPS_PROXY") as caught:
        _proxy_for("https://api.x.com")
    assert "s3cr3t" not in str(caught.value)


def test_httpx_is_not_imported_before_the_first_request() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from connectors.http.auth import NoAuth; "
        "from connectors.http.client import Channel, HttpClient; "
        "from connectors.http.permits import Unlimited; import connectors.quo.client; "
        "HttpClient(Channel('https://api.x.com', NoAuth()), Unlimited()); "
        "print('httpx' in sys.modules)"
    )
    root = Path(__file__).parents[3]
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert ran.stdout.strip() == "False", ran.stderr
