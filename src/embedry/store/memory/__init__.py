"""What a collection keeps in memory: a replay of its log, item by item and field by field."""
