"""What DeepWalk and Node2Vec share: walks, training, placing."""
