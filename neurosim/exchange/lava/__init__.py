"""Graph → Lava processes. The only room that imports Lava; importing it makes Lava importable."""

from neurosim.exchange.lava._compat import admit_lava

admit_lava()
