"""The modes in which a reply can be held to its schema. The list stands here and nowhere else."""

from __future__ import annotations

from typing import Literal, get_args

Mode = Literal["json_schema", "tools", "json", "md_json", "decisions"]
MODES: tuple[Mode, ...] = get_args(Mode)
