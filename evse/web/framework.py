"""Loads the web framework with its models unbuilt; to be imported before anything else that imports it.

The framework has forty models that describe an interface. They are built when they are used first: a station that nobody
asks for ``/openapi.json`` uses none of them, and building them is an eighth of the start of services.
"""

from __future__ import annotations

from pydantic import BaseModel

BaseModel.model_config["defer_build"] = True
try:
    import fastapi.openapi.models  # noqa: F401  # loaded for its models
finally:
    del BaseModel.model_config["defer_build"]
