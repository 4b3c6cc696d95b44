"""Imported last by the process that forks commands: what is loaded is not looked at for garbage.

Else each command would copy most of its memory when it looks for the first time.
"""

import gc

gc.collect()
gc.freeze()
