"""The quo-sync.yaml that `quo-sync init` writes: it runs as it stands once its secrets exist."""

SAMPLE_CONFIG = """\
# What quo-sync keeps in step. `quo-sync check` looks at all of it without writing anything.
# Secrets are references, never values: env:NAME, file:PATH or
# gcp-secret:projects/P/secrets/S/versions/V. They are resolved where the job runs.

# Where runs, links and budgets are kept: sqlite:///PATH (one machine; a relative path is relative
# to this file), postgresql://USER@HOST/DB, mongodb://HOST/DB, or a reference to such a URL.
repository: sqlite:///quo-sync.db

# A run that gave no sign of life for so many seconds is taken over (60 at least).
stale_after_seconds: 900

# Fernet key for stored OAuth tokens; only CRMs with OAuth need it.
# token_key: env:QUO_SYNC_TOKEN_KEY

integrations:
  # One customer's link of one CRM account to one Quo workspace. The id is final: it stands on
  # everything that is stored about this integration.
  - id: acme-pipedrive
    user_id: user-1

    # `quo-sync check` lists the installed CRMs and their options.
    crm: pipedrive
    crm_options:
      base_url: "https://acme.pipedrive.com"
    crm_credentials:
      api_token: env:PIPEDRIVE_API_TOKEN

    quo:
      api_key: env:QUO_API_KEY
      # base_url: "https://api.openphone.com"
      # requests_per_second: 10       # Quo's limit for each API key; null = no limit
      # source: acme-pipedrive        # marks our contacts in Quo, final too; default: the id

    # Kinds of persons to sync; default: all that the CRM has.
    # person_types: [Person]

    # Where phone numbers without a country code are dialled.
    default_region: US

    # Contact fields from other places in the CRM's record, by dotted path. An empty value clears
    # the field in Quo (null: clear) or leaves it (null: skip). `custom` maps Quo custom-field keys.
    # fields:
    #   role: job_title
    #   company: {path: org.name, null: skip}
    #   custom: {tier: custom_fields.5f0c}
    #   by_type: {Person: {role: label}}

    # Only these persons; each CRM has its own filters.
    # only: {owner: 221, view: 17, label: customer, field: {custom_fields.5f0c: gold}}

    # sync:
    #   without_phone: skip           # skip | sync
    #   deletes: keep                 # a contact stays when its person is deleted
    #   merge: true                   # what people typed in Quo survives; false: overwrite it
    #   on_conflict: crm              # both sides changed one value: crm | quo | newest
    #   max_delete_percent: 10
    #   overlap_seconds: 300          # each delta reads so much of the past again

    # When `quo-sync run --due` finds a run due: changes, and everything again.
    schedule:
      ongoing_minutes: 60
      initial_days: 7
"""
