from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.errors import ConfigurationError
from connectors.http import secrets
from connectors.http.redaction import redact
from connectors.http.secrets import check_resolvable, is_reference, resolve

GCP = "gcp-secret:projects/p/secrets/s/versions/latest"


def test_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUO_TEST_KEY", "s3cr3t-env")
    assert resolve("env:QUO_TEST_KEY") == "s3cr3t-env"


def test_file_without_its_trailing_newline(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cr3t-file \r\n")
    assert resolve(f"file:{tmp_path / 'key'}") == "s3cr3t-file "


def test_resolved_secret_is_redacted_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUO_TEST_KEY", "fresh-s3cr3t")
    assert redact("fresh-s3cr3t") == "fresh-s3cr3t"
    resolve("env:QUO_TEST_KEY")
    assert redact("it is fresh-s3cr3t.") == "it is ***."


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("QUO_TEST_UNSET", raising=False)
    monkeypatch.setenv("QUO_TEST_EMPTY", "")
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00secret")
    return tmp_path


@pytest.mark.parametrize(
    ("reference", "remedy"),
    [
        ("env:QUO_TEST_UNSET", "set it where quo-sync and its workers run"),
        ("env:QUO_TEST_EMPTY", "is empty"),
        ("file:{folder}/empty", "is empty"),
        ("file:{folder}/missing", "create it"),
        ("file:{folder}", "cannot be read"),
        ("file:{folder}/binary", "UTF-8"),
    ],
)
@pytest.mark.parametrize("look", [resolve, check_resolvable])
def test_unresolvable_reference_names_itself_and_the_remedy(
    broken: Path, reference: str, remedy: str, look: object
) -> None:
    reference = reference.format(folder=broken)
    with pytest.raises(ConfigurationError) as caught:
        look(reference)  # type: ignore[operator]
    assert reference in str(caught.value)
    assert remedy in str(caught.value)


@pytest.mark.parametrize("value", ["hunter2-plain", "vault:kv/key", "ENV:NAME", "env\nhunter2", ""])
def test_value_in_place_of_a_reference_is_refused_and_not_shown(value: str) -> None:
    with pytest.raises(ConfigurationError, match="reference") as caught:
        resolve(value)
    assert not value or value not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("env:NAME", True),
        ("file:/run/secrets/key", True),
        (GCP, True),
        ("sqlite:///quo-sync.db", False),
        ("postgresql://host/db", False),
        ("vault:kv/key", False),
        ("env:", False),
        ("", False),
    ],
)
def test_what_is_a_reference(text: str, expected: bool) -> None:
    assert is_reference(text) is expected


def test_gcp_reference_is_checked_by_its_form_only() -> None:
    check_resolvable(GCP)
    with pytest.raises(ConfigurationError, match="projects/PROJECT"):
        check_resolvable("gcp-secret:my-secret")


def test_gcp_without_its_library_names_the_extra() -> None:
    try:
        import google.cloud.secretmanager  # noqa: F401
    except ImportError:
        with pytest.raises(ConfigurationError, match=r"quo-sync\[gcp\]"):
            resolve(GCP)
    else:
        pytest.skip("the library is installed here")


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A distribution that adds the scheme `vault:`, as pip would have installed it."""
    (tmp_path / "vault_secrets.py").write_text(
        "calls = []\n"
        "def fetch(name):\n"
        "    calls.append(name)\n"
        "    if name == 'gone':\n"
        "        raise KeyError('the-secret-itself')\n"
        "    return 'vaulted-' + name\n"
    )
    info = tmp_path / "vault_secrets-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: vault-secrets\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[quo_sync.secrets]\nvault = vault_secrets:fetch\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    secrets._added.cache_clear()
    yield tmp_path
    secrets._added.cache_clear()


@pytest.mark.usefixtures("vault")
def test_entry_point_adds_a_scheme_and_is_asked_once() -> None:
    import importlib

    assert is_reference("vault:kv/key")
    check_resolvable("vault:kv/key")
    assert [resolve("vault:kv/key"), resolve("vault:kv/key")] == ["vaulted-kv/key"] * 2
    assert importlib.import_module("vault_secrets").calls == ["kv/key"]


@pytest.mark.usefixtures("vault")
def test_failing_entry_point_says_no_more_than_the_kind_of_failure() -> None:
    with pytest.raises(ConfigurationError, match="KeyError") as caught:
        resolve("vault:gone")
    assert "vault:gone" in str(caught.value)
    assert "the-secret-itself" not in str(caught.value)
