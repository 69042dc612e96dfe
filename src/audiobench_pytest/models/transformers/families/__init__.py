"""What single families of native checkpoints need: how a clip is put to each, and where its answer begins and ends."""
