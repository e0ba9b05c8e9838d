#!/usr/bin/python3
"""Makes ../keras: small networks as Keras 1, 2 and 3 save them, each with an input and what NumPy makes of it.

    apt-get install python3-numpy python3-h5py; tests/data/keras_make/make_keras.py"""
import pathlib
import shutil

import numpy as np

import images
import sequences
import structures

folder = pathlib.Path(__file__).resolve().parents[1] / "keras"
shutil.rmtree(folder, ignore_errors=True)
folder.mkdir()
for number, part in enumerate((sequences, images, structures)):
    part.write(folder, np.random.default_rng(number))
