"""torch module + clip → Graph. The package is callable: ``neurosim.capture(model, clip)``."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosim.capture.capture import capture as capture
    from neurosim.capture.recognise import recognise as recognise
    from neurosim.capture.stepwise import stepwise as stepwise


class _Callable(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from neurosim.capture.capture import capture

        return capture(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
