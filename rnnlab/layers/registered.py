"""Import this to load a `.keras` export: it registers every rnnlab layer with Keras."""

from __future__ import annotations

import importlib
import pkgutil

import rnnlab.layers

for _module in pkgutil.iter_modules(rnnlab.layers.__path__):
    if _module.name != "registered":
        importlib.import_module(f"rnnlab.layers.{_module.name}")
