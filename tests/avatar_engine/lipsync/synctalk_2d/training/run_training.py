"""A process that trains the tiny presenter, to be killed: `python run_training.py STUDIO TRAIN`."""

import sys
from pathlib import Path

from avatar_engine.lipsync.synctalk_2d.training.journal import Journal, hold_training
from avatar_engine.lipsync.synctalk_2d.training.limits import Limits
from avatar_engine.lipsync.synctalk_2d.training.run import prepare_device, train_networks
from avatar_engine.lipsync.synctalk_2d.training.studio_set import StudioSet
from tests.avatar_engine.lipsync.synctalk_2d.training.training_kit import SYNC_SPEC, build_options

if __name__ == "__main__":
    studio, train = map(Path, sys.argv[1:])
    prepare_device("cpu", threads=1)
    options = build_options(net=SYNC_SPEC, steps=24, sync_steps=12, sync_weight=1.0)
    with hold_training(train):
        print(train_networks(StudioSet(studio), options, Journal(train), Limits(train)))
