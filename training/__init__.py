"""Training in torch: the VSN layer, surrogates, losses, the trainer, checkpoints, and export to the core's records."""

from ..base.extras import import_extra

import_extra("torch", "torch")
