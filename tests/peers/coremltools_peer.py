"""Core ML Tools from a checkout outside the repository, as the other scripts here use it."""
import importlib
import logging
import os
import sys
import warnings


def load():
    """Its quantization module; ends with status 77 where the checkout is missing."""
    folder = os.environ.get("MLQ_COREMLTOOLS")
    if not folder or not os.path.isdir(os.path.join(folder, "coremltools")):
        print("skipped: MLQ_COREMLTOOLS names no checkout of coremltools (see tests/peers/README.md)")
        sys.exit(77)
    sys.path.insert(0, folder)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    return importlib.import_module("coremltools.models.neural_network.quantization_utils")
