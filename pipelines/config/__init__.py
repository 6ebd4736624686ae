"""The configuration file quo-sync.yaml: read, checked as a whole, resolved to frozen settings."""

from pipelines.config.load import DEFAULT_PATH, PATH_VARIABLE, Config, config_path, load_config
from pipelines.config.sample import SAMPLE_CONFIG

__all__ = [
    "DEFAULT_PATH",
    "PATH_VARIABLE",
    "SAMPLE_CONFIG",
    "Config",
    "config_path",
    "load_config",
]
