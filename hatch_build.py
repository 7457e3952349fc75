"""The project's own folders go into the wheel as kinerja/project (`kinerja.places` finds them, here and there).

A hook and not a setting, since an editable install leaves them where they are.
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CARRIED = ("notebooks", "parameters", "benchmarks/results")


class ProjectFolders(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            build_data["force_include"].update({folder: f"kinerja/project/{folder}" for folder in CARRIED})
