"""How static files are named and kept."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise is skipped by mypy
    """File names carry a hash of their content, so a browser keeps them for ever and a new release is seen at once.

    Imports between ES modules are rewritten to the hashed names: they must be relative, end with a semicolon and go
    round in no circle.
    """

    support_js_module_import_aggregation = True
