"""quo-sync.yaml: what it means, and every refusal as its one sentence."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from apache_beam.io.localfilesystem import LocalFileSystem

from connectors.crm.registry import connector_class, installed_crms
from connectors.errors import ConfigurationError
from pipelines.config import SAMPLE_CONFIG, Config, config_path, load_config
from transforms.settings import FieldSource, QuoSettings, SyncPolicy

SECRET = "sk-live-1234567890"

Edit = Callable[[dict[str, Any]], object]


def typed() -> dict[str, Any]:
    """A small, valid configuration, as a user types it."""
    return {
        "repository": "sqlite:///quo-sync.db",
        "integrations": [
            {
                "id": "acme",
                "user_id": "user-1",
                "crm": "pipedrive",
                "crm_options": {"base_url": "https://acme.pipedrive.com/"},
                "crm_credentials": {"api_token": "env:PIPEDRIVE_API_TOKEN"},
                "quo": {"api_key": "env:QUO_API_KEY"},
            }
        ],
    }


@pytest.fixture
def load(tmp_path: Path) -> Callable[[Any], Config]:
    def write_and_load(content: Any) -> Config:
        path = tmp_path / "quo-sync.yaml"
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return load_config(str(path))

    return write_and_load


# -- what it means --------------------------------------------------------------------------------


def test_defaults(load: Callable[[Any], Config], tmp_path: Path) -> None:
    config = load(typed())
    assert config.repository == f"sqlite:///{tmp_path.resolve()}/quo-sync.db"
    assert (config.stale_after_seconds, config.token_key) == (900, None)
    (acme,) = config.integrations
    assert (acme.id, acme.user_id, acme.crm) == ("acme", "user-1", "pipedrive")
    assert acme.crm_options["base_url"] == "https://acme.pipedrive.com"
    assert acme.crm_credentials == {"api_token": "env:PIPEDRIVE_API_TOKEN"}
    assert acme.quo == QuoSettings(api_key="env:QUO_API_KEY", source="acme")
    assert acme.quo.requests_per_second == 10
    assert acme.person_types == ("Person",)
    assert (acme.default_region, acme.sync, acme.only) == ("US", SyncPolicy(), {})
    assert (acme.ongoing_minutes, acme.initial_days) == (60, 7)


def test_every_key(load: Callable[[Any], Config]) -> None:
    content = typed()
    content |= {
        "repository": "env:QUO_SYNC_REPOSITORY",
        "stale_after_seconds": 60,
        "token_key": "file:/run/secrets/token-key",
    }
    content["integrations"][0] |= {
        "user_id": 17,
        "crm_options": {"base_url": "https://acme.pipedrive.com", "page_size": 100},
        "quo": {
            "api_key": "gcp-secret:projects/p/secrets/s/versions/1",
            "base_url": "http://localhost:8080/",
            "requests_per_second": None,
            "source": "acme-source",
        },
        "person_types": ["Person", "Person"],
        "default_region": "GB",
        "fields": {
            "role": "job_title",
            "company": {"path": "org.name", "null": "skip"},
            "custom": {"tier": "custom_fields.5f0c"},
            "by_type": {"Person": {"role": {"path": "label"}, "custom": {"age": "age"}}},
        },
        "only": {"owner": 221, "field": {"custom_fields.5f0c": "gold"}},
        "sync": {
            "without_phone": "sync",
            "deletes": "keep",
            "merge": False,
            "on_conflict": "newest",
            "max_delete_percent": 5,
            "overlap_seconds": 0,
        },
        "schedule": {"ongoing_minutes": 15, "initial_days": 30},
    }
    config = load(content)
    assert config.repository == "env:QUO_SYNC_REPOSITORY"
    assert (config.stale_after_seconds, config.token_key) == (60, "file:/run/secrets/token-key")
    (acme,) = config.integrations
    assert acme.user_id == "17"
    assert acme.crm_options["page_size"] == 100
    assert acme.quo == QuoSettings(
        api_key="gcp-secret:projects/p/secrets/s/versions/1",
        source="acme-source",
        base_url="http://localhost:8080",
        requests_per_second=None,
    )
    assert acme.person_types == ("Person",)
    assert acme.default_region == "GB"
    assert acme.fields.scalars == {
        "role": FieldSource("job_title"),
        "company": FieldSource("org.name", "skip"),
    }
    of_person = acme.fields.for_type("Person")
    assert of_person.scalars["role"] == FieldSource("label")
    assert of_person.scalars["company"] == FieldSource("org.name", "skip")
    assert of_person.custom == {
        "tier": FieldSource("custom_fields.5f0c"),
        "age": FieldSource("age"),
    }
    assert acme.only == {"owner": 221, "field": {"custom_fields.5f0c": "gold"}}
    assert acme.sync == SyncPolicy("sync", "keep", False, "newest", 5.0, 0)
    assert (acme.ongoing_minutes, acme.initial_days) == (15, 30)


def test_settings_build_the_connectors_own_options(load: Callable[[Any], Config]) -> None:
    (acme,) = load(typed()).integrations
    options = connector_class(acme.crm).Options.model_validate(acme.crm_options)
    assert options.base_url == "https://acme.pipedrive.com"


def test_settings_are_picklable_and_hold_references_only(load: Callable[[Any], Config]) -> None:
    config = load(typed())
    assert pickle.loads(pickle.dumps(config)) == config


@pytest.mark.parametrize(
    ("typed_url", "resolved"),
    [
        ("sqlite:///data/quo.db", "sqlite:///{folder}/data/quo.db"),
        ("sqlite:////var/quo.db", "sqlite:////var/quo.db"),
        ("postgresql://quo@db/quo", "postgresql://quo@db/quo"),
        ("mongodb://db/quo", "mongodb://db/quo"),
        ("env:QUO_SYNC_REPOSITORY", "env:QUO_SYNC_REPOSITORY"),
    ],
)
def test_repository(
    load: Callable[[Any], Config], tmp_path: Path, typed_url: str, resolved: str
) -> None:
    config = load(typed() | {"repository": typed_url})
    assert config.repository == resolved.format(folder=tmp_path.resolve())


def test_sections_with_nothing_below_are_empty(load: Callable[[Any], Config]) -> None:
    content = typed()
    content["integrations"][0] |= dict.fromkeys(("fields", "only", "sync", "schedule"))
    assert load(content) == load(typed())


def test_the_sample_loads_and_so_does_everything_in_its_comments(
    load: Callable[[Any], Config],
) -> None:
    (acme,) = load(SAMPLE_CONFIG).integrations
    assert acme.id == "acme-pipedrive"
    commented = [
        line.replace("# ", "", 1) if _is_commented_key(line) else line
        for line in SAMPLE_CONFIG.splitlines()
    ]
    config = load("\n".join(commented))
    assert config.token_key == "env:QUO_SYNC_TOKEN_KEY"
    assert config.integrations[0].only["owner"] == 221
    assert config.integrations[0].fields.custom == {"tier": FieldSource("custom_fields.5f0c")}
    assert config.integrations[0].sync == SyncPolicy()


def _is_commented_key(line: str) -> bool:
    word = line.strip().removeprefix("#").strip().partition(":")[0]
    return line.strip().startswith("#") and word.replace("_", "").isalpha() and ": " in line + " "


def test_other_crms_need_no_change_here(
    load: Callable[[Any], Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package that somebody else installs: one entry point, found by its name."""
    (tmp_path / "their_crm.py").write_text(
        "from connectors.crm.scaling_test import ScalingTestConnector as TheirConnector\n"
    )
    metadata = tmp_path / "their_crm-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: their-crm\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[quo_sync.crms]\ntheirs = their_crm:TheirConnector\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    content = typed()
    content["integrations"][0] |= {
        "crm": "theirs",
        "crm_options": {"base_url": "http://localhost:1"},
        "crm_credentials": {},
    }
    assert "theirs" in installed_crms()
    assert load(content).integrations[0].crm == "theirs"


def test_an_integration_by_its_id(load: Callable[[Any], Config]) -> None:
    config = load(typed())
    assert config.integration("acme") is config.integrations[0]
    with pytest.raises(ConfigurationError, match=r"no integration 'acne'; did you mean acme\?"):
        config.integration("acne")


def test_which_file_is_meant() -> None:
    assert config_path("a.yaml", {"QUO_SYNC_CONFIG": "b.yaml"}) == "a.yaml"
    assert config_path(None, {"QUO_SYNC_CONFIG": "b.yaml"}) == "b.yaml"
    assert config_path(None, {}) == "./quo-sync.yaml"


# -- refusals -------------------------------------------------------------------------------------


def _set(*path: Any) -> Edit:
    """The edit that sets the last of `path` at the keys before it, in the first integration."""

    def edit(content: dict[str, Any]) -> None:
        *keys, last, value = path
        target: Any = content["integrations"][0]
        for key in keys:
            target = target.setdefault(key, {})
        target[last] = value

    return edit


def _drop(*path: str) -> Edit:
    def edit(content: dict[str, Any]) -> None:
        *keys, last = path
        target: Any = content["integrations"][0]
        for key in keys:
            target = target[key]
        del target[last]

    return edit


def _top(key: str, value: Any) -> Edit:
    return lambda content: content.update({key: value})


def _second(**changes: Any) -> Edit:
    """The edit that adds a second integration, like the first but for the changes."""

    def edit(content: dict[str, Any]) -> None:
        content["integrations"].append({**content["integrations"][0], **changes})

    return edit


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        pytest.param(
            _top("repositry", "x"),
            "repositry: unknown key; did you mean repository? known are integrations, repository",
            id="unknown key",
        ),
        pytest.param(
            _set("quo", "api_kye", SECRET),
            "integrations[acme].quo.api_kye: unknown key; did you mean api_key?",
            id="unknown key in a section",
        ),
        pytest.param(
            _set("fields", "by_type", {"Person": {"rol": "x"}}),
            "integrations[acme].fields.by_type.Person.rol: unknown key; did you mean role?",
            id="unknown key of a type's fields",
        ),
        pytest.param(
            _set("fields", "custom", {"tier": {"path": "x", "nul": "skip"}}),
            "integrations[acme].fields.custom.tier.nul: unknown key; did you mean null?",
            id="unknown key of a field",
        ),
        pytest.param(
            _top("integrations", ["acme"]),
            "integrations[0]: a text is refused: write keys and values here",
            id="no integration",
        ),
        pytest.param(_top("repository", ""), "repository: is empty; write a value", id="empty key"),
        pytest.param(
            lambda content: content.pop("repository"),
            "repository: is missing; add it",
            id="missing key",
        ),
        pytest.param(
            _drop("quo", "api_key"),
            "integrations[acme].quo.api_key: is missing; add it",
            id="missing key in a section",
        ),
        pytest.param(
            _drop("id"), "integrations[0].id: is missing", id="an integration without an id"
        ),
        pytest.param(
            _set("id", "acme/eu"),
            "integrations[acme/eu].id: 'acme/eu' is refused: use letters, digits",
            id="bad id",
        ),
        pytest.param(
            _top("integrations", []),
            "integrations: is empty; name at least one",
            id="no integrations",
        ),
        pytest.param(
            _top("integrations", {"quo": SECRET}),
            "integrations: a section of keys is refused: write a list here",
            id="no list",
        ),
        pytest.param(
            _set("quo", SECRET),
            "integrations[acme].quo: a text is refused: write keys and values here",
            id="no section",
        ),
        pytest.param(
            _top("stale_after_seconds", 59),
            "stale_after_seconds: 59 is refused: should be greater than or equal to 60",
            id="stale too soon",
        ),
        pytest.param(
            _top("repository", "mysql://user:pass@db/quo"),
            "repository: 'mysql://***@db/quo' is refused: use sqlite:///PATH, postgresql://…",
            id="unknown repository, its password hidden",
        ),
        pytest.param(
            _set("crm", "pipedriv"),
            "integrations[acme].crm: 'pipedriv' is no installed CRM; did you mean pipedrive?",
            id="unknown CRM",
        ),
        pytest.param(
            _set("crm_options", "page_sise", 5),
            "integrations[acme].crm_options.page_sise: unknown key; did you mean page_size?",
            id="unknown option",
        ),
        pytest.param(
            _set("crm_options", "page_size", 5000),
            "integrations[acme].crm_options.page_size: 5000 is refused: should be less than",
            id="option out of bounds",
        ),
        pytest.param(
            _set("crm_options", {}),
            "integrations[acme].crm_options.base_url: is missing; add it, such as https://",
            id="missing option, with an example",
        ),
        pytest.param(
            _set("crm_credentials", {}),
            "integrations[acme].crm_credentials.api_token: is missing",
            id="missing credential",
        ),
        pytest.param(
            _set("crm_credentials", "token", "env:X"),
            "integrations[acme].crm_credentials.token: unknown key; did you mean api_token?",
            id="unknown credential",
        ),
        pytest.param(
            _set("crm_credentials", "api_token", SECRET),
            "integrations[acme].crm_credentials.api_token: a secret may not stand in this file; "
            "keep it elsewhere and write a reference to it, such as env:PIPEDRIVE_API_TOKEN",
            id="a secret among the credentials",
        ),
        pytest.param(
            _set("crm_credentials", "api_token", 1234567890),
            "integrations[acme].crm_credentials.api_token: the value (not shown) is refused",
            id="a credential that is no text",
        ),
        pytest.param(
            _set("quo", "api_key", SECRET),
            "integrations[acme].quo.api_key: a secret may not stand in this file",
            id="a Quo key",
        ),
        pytest.param(
            _set("quo", "api_key", f"vault:{SECRET}"),
            "integrations[acme].quo.api_key: a secret may not stand in this file",
            id="a reference of an unknown scheme",
        ),
        pytest.param(
            _top("token_key", SECRET), "token_key: a secret may not stand", id="a token key"
        ),
        pytest.param(
            _set("quo", "base_url", "api.quo.com"),
            "acme].quo.base_url: 'api.quo.com' is refused: base_url 'api.quo.com' must be",
            id="no address",
        ),
        pytest.param(
            _set("quo", "base_url", f"https://me:{SECRET}@api.quo.com"),
            "integrations[acme].quo.base_url: 'https://***@api.quo.com' is refused",
            id="credentials in the address",
        ),
        pytest.param(
            _set("quo", "requests_per_second", 0),
            "integrations[acme].quo.requests_per_second: 0 is refused: should be greater than 0",
            id="no requests",
        ),
        *[
            pytest.param(
                _set("quo", "source", source),
                f"integrations[acme].quo.source: {source!r} is refused: Quo reserves",
                id=f"reserved source {source}",
            )
            for source in ("other", "Zapier", "google-people", "openphone-pipedrive", "csv2")
        ],
        pytest.param(
            _set("quo", "source", "s" * 73),
            "source: '" + "s" * 59 + "… is refused: it has 73 characters and Quo takes 72",
            id="long source",
        ),
        pytest.param(
            _set("id", "csv-import"),
            "integrations[csv-import].quo.source: is missing and 'csv-import' cannot stand in",
            id="an id that is no source",
        ),
        pytest.param(
            _set("person_types", ["person"]),
            "integrations[acme].person_types[0]: 'person' is no person type of pipedrive; "
            "did you mean Person?",
            id="unknown person type",
        ),
        pytest.param(
            _set("person_types", []), "person_types: is empty; name at least one", id="no types"
        ),
        pytest.param(
            _set("fields", "by_type", {"Lead": {"role": "x"}}),
            "integrations[acme].fields.by_type.Lead: 'Lead' is no person type of pipedrive",
            id="fields of an unknown type",
        ),
        pytest.param(
            _set("default_region", "UK"),
            "integrations[acme].default_region: 'UK' is refused: numbers cannot be read for it; "
            "use a region such as US, CA or GB",
            id="unknown region",
        ),
        pytest.param(
            _set("default_region", False),
            "integrations[acme].default_region: False is refused: YAML reads NO as false; "
            'write it in quotes: "NO"',
            id="Norway",
        ),
        pytest.param(
            _set("fields", "role", ["a"]),
            "integrations[acme].fields.role: a list is refused: write keys and values here",
            id="no field",
        ),
        pytest.param(
            _set("fields", "role", {"path": "a", "null": "keep"}),
            "integrations[acme].fields.role.null: 'keep' is refused: use 'clear' or 'skip'",
            id="unknown null rule",
        ),
        pytest.param(
            _set("only", "ownr", 1),
            "integrations[acme].only.ownr: 'ownr' is no filter of pipedrive; did you mean owner?",
            id="unknown filter",
        ),
        pytest.param(
            _set("sync", "deletes", "delete"),
            "integrations[acme].sync.deletes: 'delete' is refused: use 'keep'",
            id="deletes",
        ),
        pytest.param(
            _set("sync", "on_conflict", "us"),
            "integrations[acme].sync.on_conflict: 'us' is refused: use 'crm', 'quo' or 'newest'",
            id="unknown winner",
        ),
        pytest.param(
            _set("sync", "overlap_seconds", -1),
            "integrations[acme].sync.overlap_seconds: -1 is refused",
            id="negative overlap",
        ),
        pytest.param(
            _set("sync", "max_delete_percent", 101),
            "integrations[acme].sync.max_delete_percent: 101 is refused",
            id="more than all",
        ),
        pytest.param(
            _set("schedule", "ongoing_minutes", 0),
            "integrations[acme].schedule.ongoing_minutes: 0 is refused",
            id="always due",
        ),
        pytest.param(
            _second(),
            "integrations[acme].id: 'acme' is refused: it is taken; give each its own",
            id="an id twice",
        ),
        pytest.param(
            _second(id="other-acme", quo={"api_key": "env:QUO_API_KEY", "source": "acme"}),
            "integrations[other-acme].quo.source: 'acme' is refused: acme writes this source with "
            "the same API key; choose another source",
            id="key and source twice",
        ),
    ],
)
def test_refusals(load: Callable[[Any], Config], tmp_path: Path, edit: Edit, expected: str) -> None:
    content = typed()
    edit(content)
    with pytest.raises(ConfigurationError) as caught:
        load(content)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path}/quo-sync.yaml: ")
    assert expected in message
    assert SECRET not in message
    assert "\n" not in message


def test_two_integrations_may_share_a_key_or_a_source(load: Callable[[Any], Config]) -> None:
    content = typed()
    _second(id="b")(content)
    _second(id="c", quo={"api_key": "env:OTHER", "source": "acme"})(content)
    assert [settings.quo.source for settings in load(content).integrations] == ["acme", "b", "acme"]


def test_a_misspelt_key_is_named_before_what_follows_from_it(
    load: Callable[[Any], Config],
) -> None:
    content = typed()
    quo = content["integrations"][0]["quo"]
    quo["apikey"] = quo.pop("api_key")
    with pytest.raises(ConfigurationError, match=r"apikey: unknown key.*\(1 more to correct\)"):
        load(content)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", "is empty; `quo-sync init` writes a commented one", id="empty"),
        pytest.param("- a\n", "holds no keys and values", id="a list"),
        pytest.param("a: [1\nb: 2\n", ", line 2: expected ',' or ']'", id="syntax"),
        pytest.param("a: 1\n\tb: 2\n", ", line 2: found character", id="a tab"),
        pytest.param("a: 1\nb: 2\na: 3\n", ", line 3: the key a stands twice", id="a key twice"),
        pytest.param("a: !!python/object:os.a {}\n", ", line 1: could not determine", id="tag"),
        pytest.param("a: \x00\n", "a character that YAML forbids", id="NUL"),
    ],
)  # fmt: skip
def test_files_that_are_no_configuration(
    load: Callable[[Any], Config], text: str, expected: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(text)
    assert expected in str(caught.value)


def test_anchors_and_merge_keys_are_yaml_too(load: Callable[[Any], Config]) -> None:
    text = yaml.safe_dump(typed(), sort_keys=False).replace("- id:", "- &first\n  id:")
    text += "- {<<: *first, id: second}\n"
    config = load(text)
    assert [settings.quo.source for settings in config.integrations] == ["acme", "second"]


def test_a_key_is_the_text_that_stands_there(load: Callable[[Any], Config]) -> None:
    content = yaml.safe_dump(typed(), sort_keys=False) + (
        "  fields:\n    role: {path: a, null: skip}\n"
        "    custom: {on: a, 1e5: b, 0123: c, null: d}\n"
    )
    (acme,) = load(content).integrations
    assert acme.fields.scalars == {"role": FieldSource("a", "skip")}
    assert list(acme.fields.custom) == ["on", "1e5", "0123", "null"]


def test_a_missing_file_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not exist; `quo-sync init` writes one"):
        load_config(str(tmp_path / "quo-sync.yaml"))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_config(str(tmp_path))


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "quo-sync.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="UTF-8"):
        load_config(str(path))


def test_a_byte_order_mark_is_no_part_of_the_first_key(load: Callable[[Any], Config]) -> None:
    content = typed()
    assert load("\ufeff" + yaml.safe_dump(content, sort_keys=False)) == load(content)


class Shelf(LocalFileSystem):
    """A file system that somebody adds to Beam: local files under another scheme."""

    @classmethod
    def scheme(cls) -> str:
        return "shelf"

    def open(self, path: str, *args: Any, **options: Any) -> Any:
        return super().open(path.removeprefix("shelf://"), *args, **options)


def test_other_places_are_read_through_beam(tmp_path: Path) -> None:
    path = tmp_path / "quo-sync.yaml"
    content = typed() | {"repository": "sqlite:////var/quo.db"}
    path.write_text(yaml.safe_dump(content))
    config = load_config(f"shelf://{path}")
    assert config.path == f"shelf://{path}"
    assert config.repository == "sqlite:////var/quo.db"


def test_beside_a_remote_file_a_relative_repository_leads_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "quo-sync.yaml"
    path.write_text(yaml.safe_dump(typed()))
    with pytest.raises(ConfigurationError, match="the path must be absolute: sqlite:////PATH"):
        load_config(f"shelf://{path}")


@pytest.mark.parametrize("path", ["nowhere://x/quo-sync.yaml", "shelf:///no/such/quo-sync.yaml"])
def test_a_remote_file_that_cannot_be_read(path: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{path} (cannot be read|does not exist)"):
        load_config(path)


def test_loading_a_local_file_imports_no_beam(tmp_path: Path) -> None:
    path = tmp_path / "quo-sync.yaml"
    path.write_text(SAMPLE_CONFIG)
    program = (
        "import sys; from pipelines.config import load_config;"
        f"load_config({str(path)!r});"
        "heavy = {'apache_beam', 'phonenumbers', 'sqlalchemy', 'pymongo'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
