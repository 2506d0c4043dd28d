"""The network itself: what its files say, its weights, a plain forward and a compiled one."""
